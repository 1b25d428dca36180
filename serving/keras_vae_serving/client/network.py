"""Connections that acknowledge at once what they receive.

TensorFlow Serving sends an answer's head and body apart, with Nagle's
algorithm on: the body of a small answer waits until the head is acknowledged,
which a Linux client puts off for 40 ms. A socket acknowledges at once while
`TCP_QUICKACK` is set, which the kernel unsets by itself; so it is set again
before each reading.

They also end with the time of their request: httpcore limits each reading
and writing, but not all of them together.
"""

import contextlib
import contextvars
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)  # Linux alone has it.
_END: contextvars.ContextVar[float] = contextvars.ContextVar("end")


def acknowledge_at_once(sock: Any) -> None:
    """Sets `TCP_QUICKACK` where there is such a thing."""
    if _QUICKACK is None or sock is None:
        return
    # It may be no TCP socket, or closed already.
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Lets what is sent and read in the block take so long in all."""
    token = _END.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _END.reset(token)


def _left_s() -> float:
    """Returns how much time is left.

    Raises:
        httpcore.TimeoutException: if none is.
    """
    left_s = _END.get() - time.monotonic()
    if left_s <= 0:
        raise httpcore.ReadTimeout
    return left_s


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        acknowledge_at_once(self._stream.get_extra_info("socket"))
        return self._stream.read(max_bytes, _left_s())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left_s())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(
            self._stream.start_tls(ssl_context, server_hostname, _left_s())
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class QuickBackend(httpcore.NetworkBackend):
    """httpcore's connections, which acknowledge at once."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Returns a new connection."""
        return _Stream(
            self._backend.connect_tcp(
                host, port, _left_s(), local_address, socket_options
            )
        )


class _AsyncStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        acknowledge_at_once(self._stream.get_extra_info("socket"))
        return await self._stream.read(max_bytes, _left_s())

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, _left_s())

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _AsyncStream(
            await self._stream.start_tls(
                ssl_context, server_hostname, _left_s()
            )
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class AsyncQuickBackend(httpcore.AsyncNetworkBackend):
    """httpcore's asynchronous connections, which acknowledge at once."""

    def __init__(self) -> None:
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Returns a new connection."""
        return _AsyncStream(
            await self._backend.connect_tcp(
                host, port, _left_s(), local_address, socket_options
            )
        )

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await self._backend.sleep(seconds)
