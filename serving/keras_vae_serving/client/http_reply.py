"""An HTTP/1.1 answer, read as its bytes arrive."""

import re

import httptools

_LENGTHS = (b"content-length", b"transfer-encoding")
_RETRY_AFTER = b"retry-after"
_SECONDS = re.compile(rb"[0-9]{1,9}")


class Reply:
    """An answer; what it is holds once it is complete.

    Attributes:
        status: Its status.
        retry_after_s: When the server says that it may be asked again, in
            seconds; `None` if it does not.
        is_complete: Whether all of it is there.
        keeps_open: Whether its connection can be used again.
    """

    def __init__(self) -> None:
        self.status = 0
        self.retry_after_s: float | None = None
        self.is_complete = False
        self.keeps_open = False
        self._has_head = False
        self._has_length = False
        self._parts: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    @property
    def body(self) -> bytes:
        """The body."""
        return b"".join(self._parts)

    def feed(self, data: bytes) -> None:
        """Takes what was read; nothing at all is the connection's end.

        Raises:
            httptools.HttpParserError: if it is no HTTP/1.1.
            ConnectionError: if the end comes too early.
        """
        if data:
            self._parser.feed_data(data)
        elif self._has_head and not self._has_length:
            self.is_complete = True  # The end itself is what ends the body.
        else:
            raise ConnectionError("the server closed it")
        if self.is_complete:
            # It refers to this object: the body would be kept for long.
            del self._parser

    # --- What the parser calls; what follows the answer is passed over --------

    def on_message_begin(self) -> None:
        """Gives a connection up that brings more than it was asked for."""
        if self.is_complete:
            self.keeps_open = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Notes whether the body's length is told, and when to ask again."""
        name = name.lower()
        self._has_length |= name in _LENGTHS
        # A proxy may give a date in its place, which is passed over.
        if name == _RETRY_AFTER and _SECONDS.fullmatch(value):
            self.retry_after_s = float(value)

    def on_headers_complete(self) -> None:
        """Notes the status."""
        if not self.is_complete:
            self._has_head = True
            self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """Keeps a part of the body."""
        if not self.is_complete:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Ends the answer, if it is no announcement of one (1xx)."""
        if self.status < 200:
            self._has_head = self._has_length = False
        elif not self.is_complete:
            self.is_complete = True
            self.keeps_open = self._parser.should_keep_alive()
