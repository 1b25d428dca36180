"""Connections of HTTP/1.1 that acknowledge at once what they receive.

TensorFlow Serving sends an answer's head and body apart, with Nagle's
algorithm on: the body of a small answer waits until the head is acknowledged,
which a Linux client puts off for 40 ms. A socket acknowledges at once while
`TCP_QUICKACK` is set, which the kernel unsets by itself; so it is set again
before each reading.
"""

import asyncio
import contextlib
import select
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import httptools

from keras_vae_serving.client import failures
from keras_vae_serving.client.http_reply import Reply

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)  # Linux alone has it.
_READ_BYTES = 256 * 1024


class Place(NamedTuple):
    """Where connections lead.

    Attributes:
        host: A name or an address.
        port: Its port.
        tls: How they are encrypted, if they are.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None


def acknowledge_at_once(sock: Any) -> None:
    """Sets `TCP_QUICKACK` where there is such a thing."""
    if _QUICKACK is None or sock is None:
        return
    with contextlib.suppress(OSError):  # It may be closed already.
        sock.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)


@contextlib.contextmanager
def _connecting() -> Iterator[None]:
    """Tells that a connection was not made; being late is told elsewhere."""
    try:
        yield
    except TimeoutError:
        raise
    except OSError as error:
        raise failures.unreachable(error or type(error).__name__) from error


@contextlib.contextmanager
def _exchanging() -> Iterator[None]:
    """Tells that a connection broke."""
    try:
        yield
    except TimeoutError:
        raise
    except OSError as error:
        raise failures.lost(error or type(error).__name__) from error
    except httptools.HttpParserError as error:
        raise failures.malformed(
            f"it is no HTTP/1.1 ({error}). Is this the port of REST?"
        ) from error


class Connection:
    """A connection that blocks.

    Args:
        place: Where to.
        end: Until when it must be made, in seconds of `time.monotonic()`.

    Raises:
        ServingError: UNAVAILABLE if it cannot be made.
        TimeoutError: if it is not made in time.
    """

    def __init__(self, place: Place, end: float) -> None:
        with _connecting():
            address = (place.host, place.port)
            sock = socket.create_connection(address, _left_s(end))
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if place.tls is not None:
                    sock.settimeout(_left_s(end))
                    sock = place.tls.wrap_socket(
                        sock, server_hostname=place.host
                    )
            except BaseException:
                sock.close()
                raise
        self._socket = sock

    def is_idle(self) -> bool:
        """Whether the server has not closed it since its last answer."""
        if not hasattr(select, "poll"):  # as on Windows
            return not select.select([self._socket], [], [], 0)[0]
        poll = select.poll()  # which, unlike `select`, takes every number
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def exchange(self, message: bytes, end: float) -> Reply:
        """Sends a request and returns its answer.

        Args:
            message: The request.
            end: As above.

        Raises:
            ServingError: if the connection breaks, or the answer is no HTTP.
            TimeoutError: if the answer is not there in time.
        """
        reply = Reply()
        with _exchanging():
            self._write(message, end)
            while not reply.is_complete:
                acknowledge_at_once(self._socket)
                self._socket.settimeout(_left_s(end))
                reply.feed(self._socket.recv(_READ_BYTES))
        return reply

    def _write(self, message: bytes, end: float) -> None:
        self._socket.settimeout(_left_s(end))
        try:
            self._socket.sendall(message)
        except (BrokenPipeError, ConnectionResetError):
            pass  # A server may answer, and close, before it has read all.

    def close(self) -> None:
        """Closes it."""
        self._socket.close()


def _left_s(end: float) -> float:
    left_s = end - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


class AsyncConnection(asyncio.Protocol):
    """A connection on the running event loop; `connect` makes one."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._socket: Any = None
        self._reply: Reply | None = None
        self._answered: asyncio.Future[None] | None = None

    @classmethod
    async def connect(cls, place: Place) -> "AsyncConnection":
        """Returns a new connection.

        Raises:
            ServingError: UNAVAILABLE if it cannot be made.
        """
        loop = asyncio.get_running_loop()
        with _connecting():
            _, connection = await loop.create_connection(
                cls, place.host, place.port, ssl=place.tls
            )
        return connection

    def is_idle(self) -> bool:
        """Whether the server has not closed it since its last answer."""
        return not self._transport.is_closing()

    async def exchange(self, message: bytes) -> Reply:
        """Sends a request and returns its answer.

        Raises:
            ServingError: if the connection breaks, or the answer is no HTTP.
        """
        reply = self._reply = Reply()
        self._answered = asyncio.get_running_loop().create_future()
        with _exchanging():
            self._transport.write(message)
            acknowledge_at_once(self._socket)
            await self._answered
        self._reply = None
        return reply

    def close(self) -> None:
        """Closes it at once."""
        self._transport.abort()

    # --- What the event loop calls --------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        self._transport = transport
        self._socket = transport.get_extra_info("socket")

    def data_received(self, data: bytes) -> None:
        """Reads on; what nobody asked for ends the connection."""
        acknowledge_at_once(self._socket)
        if self._reply is None:
            self._transport.abort()
        else:
            self._feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the answer, well or badly."""
        if exc is not None:
            self._end(exc)
        elif self._reply is not None:
            self._feed(b"")

    def _feed(self, data: bytes) -> None:
        reply = self._reply
        if reply is None or reply.is_complete:
            return
        try:
            reply.feed(data)
        except (httptools.HttpParserError, ConnectionError) as error:
            self._end(error)
        if reply.is_complete:
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        if self._answered is None or self._answered.done():
            return
        if error is None:
            self._answered.set_result(None)
        else:
            self._answered.set_exception(error)
