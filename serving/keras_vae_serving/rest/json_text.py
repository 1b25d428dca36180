"""JSON's text, a character for each byte.

The real server takes and gives strings as bytes, which need not be UTF-8.
Here a string of JSON is held as a `str` of Latin-1, one character a byte; for
ASCII that is the string itself. `readable` and `wire` turn it into ordinary
text and back.
"""

import re

Json = None | bool | int | float | str | list | dict

_ESCAPED = re.compile(r'[\x00-\x1f"\\]')
_ESCAPES = {chr(code): f"\\u{code:04X}" for code in range(0x20)} | {
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    '"': r"\"",
    "\\": r"\\",
}


class Members(dict):
    """An object that names a key twice: the first value counts.

    Attributes:
        pairs: Every key and value, as they stand in the text.
    """

    def __init__(self, pairs: list[tuple[str, Json]]) -> None:
        super().__init__()
        self.pairs = pairs
        for key, value in pairs:
            self.setdefault(key, value)


def readable(text: str) -> str:
    """Returns ordinary text; bytes that are not UTF-8 become surrogates."""
    if text.isascii():
        return text
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


def wire(text: str) -> str:
    """Returns ordinary text a character for each byte, as JSON holds it."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def quote(text: str) -> str:
    """Returns a string as it stands in JSON, with its quotation marks."""
    return f'"{_ESCAPED.sub(_escape, text)}"'


def error_body(message: str) -> bytes:
    """Returns the body of an answer that tells of an error."""
    return f'{{\n    "error": {quote(wire(message))}\n}}'.encode("latin-1")


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES[found.group()]
