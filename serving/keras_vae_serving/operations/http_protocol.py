"""Limits of a connection, below what an ASGI application sees."""

import asyncio
import dataclasses
from typing import Any

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
)


@dataclasses.dataclass(frozen=True)
class ConnectionLimits:
    """How many connections there may be, and how slow they may be.

    Attributes:
        max_connections: How many at once; the next ones are answered 503.
        max_header_bytes: The most of a request's line and headers together.
        header_timeout_s: How long a client may take to send them.
        write_timeout_s: How long a client may take no more of an answer
            before its connection is cut.
    """

    max_connections: int = 10_000
    max_header_bytes: int = 32 * 1024
    header_timeout_s: float = 20.0
    write_timeout_s: float = 30.0


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with the limits of a connection."""

    limits = ConnectionLimits()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_bytes = 0
        self._refusal: tuple[int, str] | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Refuses a connection above the limit."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            text = "The server has as many connections as it may: try again"
            self._refuse(503, text)
            return
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the timers."""
        self._cancel_timers()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begins to count a request's headers."""
        super().on_message_begin()
        self._header_bytes = 0
        if self._read_timer is None:
            self._expect_headers()

    def on_url(self, url: bytes) -> None:
        """Counts a part of the request's line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Counts a header."""
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Starts the request: what is slow from here on is not the headers."""
        self._cancel_read_timer()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answers what was found wrong in the headers."""
        self._refuse(*(self._refusal or (400, msg)))

    def pause_writing(self) -> None:
        """Gives a client that takes no data some time."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(
            self.limits.write_timeout_s, self.transport.abort
        )

    def resume_writing(self) -> None:
        """Goes on, for the client takes data again."""
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Closes an idle connection, also one that never takes its answer."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > self.limits.max_header_bytes:
            text = (
                "The request's headers must have at most "
                f"{self.limits.max_header_bytes} bytes"
            )
            self._refusal = (431, text)
            raise ValueError(text)  # ends the parser's work

    def _expect_headers(self) -> None:
        self._read_timer = self.loop.call_later(
            self.limits.header_timeout_s, self._headers_are_late
        )

    def _headers_are_late(self) -> None:
        self._read_timer = None
        seconds = self.limits.header_timeout_s
        text = f"The request's headers did not arrive within {seconds:g} s"
        self._refuse(408, text)

    def _cancel_read_timer(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def _cancel_timers(self) -> None:
        self._cancel_read_timer()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _refuse(self, status: int, text: str) -> None:
        """Answers without the application, and closes."""
        if self.transport.is_closing():
            return
        body = b'{\n    "error": "%s"\n}' % text.encode("ascii", "replace")
        self.transport.write(
            STATUS_LINE[status]
            + b"content-type: application/json\r\n"
            + b"content-length: %d\r\n" % len(body)
            + b"connection: close\r\n\r\n"
            + body
        )
        self.transport.close()


def guarded(limits: ConnectionLimits) -> type[GuardedProtocol]:
    """Returns uvicorn's HTTP protocol with limits of its own."""
    return type("GuardedProtocol", (GuardedProtocol,), {"limits": limits})
