"""Limits of a connection, below what an ASGI application sees."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from keras_vae_serving.operations.unsent import unsent_bytes

# How long, how much and how many at once, clients that are refused may go on
# sending: a connection that is closed at once takes the answer with it.
_LINGER_S = 1.0
_MAX_THROWN_AWAY = 2**20
MAX_LINGERING = 32
_LEAST_TAKEN = 4096
_FRAMING = (b"content-length", b"transfer-encoding")


@dataclasses.dataclass(frozen=True)
class ConnectionLimits:
    """How many connections there may be, and how slow they may be.

    Attributes:
        max_connections: How many at once; the next ones are answered 503.
        max_header_bytes: The most of a request's line and headers together.
        header_timeout_s: How long a client may take to send them.
        write_timeout_s: How long a client may take hardly anything of an
            answer, less than 4 KiB, before its connection is cut.
    """

    max_connections: int = 10_000
    max_header_bytes: int = 32 * 1024
    header_timeout_s: float = 20.0
    write_timeout_s: float = 30.0


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with the limits of a connection."""

    limits = ConnectionLimits()
    observer: Callable[[int], None] = staticmethod(lambda status: None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_bytes = 0
        self._unheard_bytes = 0  # Since the parser told of anything.
        self._has_late_end = False  # A body's, after its answer.
        self._is_in_body = False
        self._is_muted = False
        self._error = (400, "Invalid HTTP request received.")
        self._last_words: bytes | None = None
        self._thrown_away = 0
        self._running: RequestResponseCycle | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    # --- The connection -------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """Refuses a connection above the limit."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            text = "The server has as many connections as it may: try again"
            self._refuse(503, text)
            return
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the timers, and tells the request that is being answered."""
        self._cancel_read_timer()
        self._cancel_write_timer()
        self._unset_keepalive_if_required()
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads on; what comes after an error is thrown away."""
        if self._last_words is not None:
            self._throw_away(len(data))
            return
        self._unset_keepalive_if_required()
        size = self.limits.max_header_bytes
        try:
            for start in range(0, len(data), size):
                self._read(data[start : start + size])
        except (httptools.HttpParserError, _TooLarge):
            self._refuse(*self._error)
            return
        if not self._is_answering():
            self._expect_more()

    def _expect_more(self) -> None:
        """Gives time for the rest of a request, or for the next one."""
        if self._has_late_end:
            self._has_late_end = False
            self._keep_alive()
        elif self._read_timer is None:
            self._expect_headers()

    def _read(self, data: bytes) -> None:
        self._unheard_bytes += len(data)
        self._feed(data)
        # The parser keeps a header, or what stands behind a chunk's size,
        # until it is complete.
        if self._unheard_bytes > self.limits.max_header_bytes:
            self._raise_too_large()

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                self._stay_with_http()

    def _stay_with_http(self) -> None:
        """Reads a request that asks for another protocol as any other.

        The parser would take its body for the other protocol's data, or for
        the next request. So a new one goes on, which is told how the body's
        end is found.
        """
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        framing = b"".join(
            b"%s: %s\r\n" % header
            for header in self.headers
            if header[0] in _FRAMING
        )
        self._is_muted = True
        try:
            self.parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n")
        finally:
            self._is_muted = False

    # --- What the parser tells ------------------------------------------------

    def on_message_begin(self) -> None:
        """Begins to count a request's headers."""
        if self._is_muted:
            return
        super().on_message_begin()
        self._header_bytes = 0
        self._unheard_bytes = 0
        self._has_late_end = False
        self._is_in_body = False
        if self._read_timer is None:
            self._expect_headers()

    def on_url(self, url: bytes) -> None:
        """Counts a part of the request's line."""
        if self._is_muted:
            return
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Counts a header; drops those that stand behind a body."""
        if self._is_muted:
            return
        self._count(len(name) + len(value) + 4)
        if not self._is_in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Starts the request: what is slow from here on is not the headers."""
        if self._is_muted:
            return
        self._cancel_read_timer()
        self._unheard_bytes = 0
        self._is_in_body = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Takes a part of the body."""
        self._unheard_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Ends the body, unless the parser only gave up reading it."""
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        if not self._is_answering():
            self._has_late_end = True
            self._cancel_read_timer()

    def on_response_complete(self) -> None:
        """Says what is wrong with what came behind the answered requests."""
        if self._last_words is not None and not self.pipeline:
            self._say_last_words()
        else:
            super().on_response_complete()
        if self.transport.is_closing() and self._write_timer is None:
            # Closed once the answer is taken; nobody else waits for that.
            self._expect_to_write()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # uvicorn tells the newest request alone when the client leaves.
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _count(self, size: int) -> None:
        self._unheard_bytes = 0
        self._header_bytes += size
        if self._header_bytes > self.limits.max_header_bytes:
            self._raise_too_large()

    def _raise_too_large(self) -> None:
        text = (
            "The request's headers must have at most "
            f"{self.limits.max_header_bytes} bytes"
        )
        self._error = (431, text)
        raise _TooLarge(text)  # ends the parser's work

    # --- Time -----------------------------------------------------------------

    def pause_writing(self) -> None:
        """Gives a client that takes no data some time."""
        super().pause_writing()
        self._expect_to_write()

    def resume_writing(self) -> None:
        """Goes on, for the client takes data again."""
        if not self.transport.is_closing():
            self._cancel_write_timer()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Closes an idle connection, also one that never takes its answer."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _keep_alive(self) -> None:
        """Gives an idle connection some time."""
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _expect_to_write(self) -> None:
        self._cancel_write_timer()
        self._write_timer = self.loop.call_later(
            self.limits.write_timeout_s,
            self._check_write,
            unsent_bytes(self.transport),
        )

    def _check_write(self, unsent: int) -> None:
        """Goes on waiting if there is less to take than there was."""
        if unsent - unsent_bytes(self.transport) < _LEAST_TAKEN:
            self.transport.abort()
        else:
            self._expect_to_write()

    def _expect_headers(self) -> None:
        self._read_timer = self.loop.call_later(
            self.limits.header_timeout_s, self._headers_are_late
        )

    def _headers_are_late(self) -> None:
        if self.flow.read_paused:  # It is not the client that is slow.
            self._expect_headers()
            return
        self._read_timer = None
        seconds = self.limits.header_timeout_s
        text = f"The request's headers did not arrive within {seconds:g} s"
        self._refuse(408, text)

    def _cancel_read_timer(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def _cancel_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    # --- Refusals -------------------------------------------------------------

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, status: int, text: str) -> None:
        """Answers without the application, and closes.

        Requests that came whole before are answered first.
        """
        if self.transport.is_closing() or self._last_words is not None:
            return
        self.observer(status)
        self._cancel_read_timer()
        self._last_words = _refusal(status, text)
        if self._is_answering() and self.cycle.more_body:
            self._give_up_unread()
        elif not self._is_answering():
            self._say_last_words()

    def _give_up_unread(self) -> None:
        """Gives up the newest request, whose body cannot be read."""
        if self.pipeline:  # It was not begun.
            self.pipeline.popleft()
            return
        cycle = self.cycle
        cycle.disconnected = True
        cycle.message_event.set()
        if cycle.response_started:
            self.transport.close()
        else:
            self._say_last_words()

    def _throw_away(self, size: int) -> None:
        self._thrown_away += size
        if self._thrown_away > _MAX_THROWN_AWAY:
            self.transport.close()

    def _say_last_words(self) -> None:
        self.transport.write(self._last_words or b"")
        most = self.limits.max_connections + MAX_LINGERING
        if len(self.connections) > most:
            self.transport.close()
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._read_timer = self.loop.call_later(
            _LINGER_S, self.timeout_keep_alive_handler
        )


class _TooLarge(ValueError):
    """Headers of more bytes than are allowed."""


def _refusal(status: int, text: str) -> bytes:
    body = b'{\n    "error": "%s"\n}' % text.encode("ascii", "replace")
    return b"".join(
        (
            STATUS_LINE[status],
            b"content-type: application/json\r\n",
            b"content-length: %d\r\n" % len(body),
            b"connection: close\r\n\r\n",
            body,
        )
    )


def guarded(
    limits: ConnectionLimits, observer: Callable[[int], None] | None = None
) -> type[GuardedProtocol]:
    """Returns uvicorn's HTTP protocol with limits of its own.

    Args:
        limits: The limits.
        observer: Told the status of each refusal.
    """
    members: dict[str, Any] = {"limits": limits}
    if observer is not None:
        members["observer"] = staticmethod(observer)
    return type("GuardedProtocol", (GuardedProtocol,), members)
