"""The body of a request: read whole, within limits, and unpacked."""

import zlib
from collections.abc import Mapping
from typing import NamedTuple

from keras_vae_serving.beside import LARGE, Beside
from keras_vae_serving.budget import Share
from keras_vae_serving.rest.asgi import ClientGone, Receive
from keras_vae_serving.status import ServingError

_MIB = 1024 * 1024
# 16 stands for the header of gzip.
_GZIP_BITS = 16 + zlib.MAX_WBITS


class BodyLimits(NamedTuple):
    """How large a body may be.

    Attributes:
        max_bytes: As it is sent.
        max_unpacked_bytes: Once gzip is undone.
    """

    max_bytes: int = 32 * _MIB
    max_unpacked_bytes: int = 32 * _MIB


class BodyError(Exception):
    """A body that is not taken.

    Args:
        status: The status of the answer.
        message: What the client is told.
        is_read: Whether the whole body was received.
    """

    def __init__(self, status: int, message: str, is_read: bool) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.is_read = is_read


async def read_body(
    headers: Mapping[bytes, bytes],
    receive: Receive,
    limits: BodyLimits,
    share: Share,
    beside: Beside,
) -> bytes:
    """Returns the body of a request.

    Args:
        headers: By lower-case name.
        receive: ASGI's.
        limits: How large it may be.
        share: Counts the bytes that are held.
        beside: Where gzip is undone.

    Raises:
        BodyError: if it is too large, is not the gzip that it should be, or
            the server holds too many bytes already.
        ClientGone: if the client leaves before it is complete.
    """
    if _declared(headers) > limits.max_bytes:
        raise _too_large(limits.max_bytes, is_read=False)
    body = await _receive_all(receive, limits.max_bytes, share)
    if headers.get(b"content-encoding", b"").lower() != b"gzip":
        return body
    # How large it becomes is not known before: few are unpacked at once.
    unpacked = await beside.run(
        LARGE + 1, _unpack, body, limits.max_unpacked_bytes
    )
    _count(share, len(unpacked), is_read=True)
    return unpacked


def _declared(headers: Mapping[bytes, bytes]) -> float:
    """Returns the size that a request says it has; 0 if it says none."""
    digits = headers.get(b"content-length", b"")
    # A float, because it may have any number of digits.
    return float(digits) if digits.isdigit() else 0


async def _receive_all(receive: Receive, max_bytes: int, share: Share) -> bytes:
    parts = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(part)
        if size > max_bytes:
            raise _too_large(max_bytes, is_read=not more)
        _count(share, len(part), is_read=not more)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _count(share: Share, size: int, is_read: bool) -> None:
    try:
        share.take(size)
    except ServingError as error:
        raise BodyError(error.http_status, error.message, is_read) from None


def _unpack(body: bytes, max_bytes: int) -> bytes:
    """Undoes gzip, as far as the limit."""
    unpacker = zlib.decompressobj(_GZIP_BITS)
    try:
        unpacked = unpacker.decompress(body, max_bytes + 1)
    except zlib.error:
        raise _not_gzip() from None
    if len(unpacked) > max_bytes:
        raise BodyError(
            413,
            f"The request's body has more than {max_bytes} bytes once gzip "
            "is undone, more than this server takes",
            is_read=True,
        )
    if not unpacker.eof:
        raise _not_gzip()
    return unpacked


def _too_large(max_bytes: int, is_read: bool) -> BodyError:
    return BodyError(
        413,
        f"The request's body has more than {max_bytes} bytes, more than this "
        "server takes",
        is_read,
    )


def _not_gzip() -> BodyError:
    return BodyError(
        400,
        "The request's body is not gzip, as its Content-Encoding says, or "
        "not all of it",
        is_read=True,
    )
