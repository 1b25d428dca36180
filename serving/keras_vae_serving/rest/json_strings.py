"""Strings in JSON as RapidJSON reads them: bytes, of whatever encoding."""

import re

from keras_vae_serving.rest.syntax_error import JsonSyntaxError

_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_ESCAPES = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}


def read_string(text: str, start: int) -> tuple[str, int]:
    """Reads one string.

    Args:
        text: The whole text, a character for each byte.
        start: Where its first quotation mark stands.

    Returns:
        The string, a character for each byte, and where it ends.

    Raises:
        JsonSyntaxError: if it does not end, or holds what it may not.
    """
    at = start + 1
    pieces = []
    while True:
        end = _end(text, at)
        pieces.append(text[at:end])
        char = text[end : end + 1]
        if char == '"':
            return "".join(pieces), end + 1
        if char != "\\":
            missing = char in ("", "\0")
            raise JsonSyntaxError(
                "Missing a closing quotation mark in string."
                if missing
                else "Invalid escape character in string.",
                end,
            )
        piece, at = _read_escape(text, end)
        pieces.append(piece)


def _end(text: str, at: int) -> int:
    found = _PLAIN.match(text, at)
    return found.end() if found else at


def _read_escape(text: str, start: int) -> tuple[str, int]:
    mark = text[start + 1 : start + 2]
    if mark in _ESCAPES:
        return _ESCAPES[mark], start + 2
    if mark != "u":
        raise JsonSyntaxError("Invalid escape character in string.", start)
    code, at = _read_hex(text, start + 2, start)
    if 0xD800 <= code <= 0xDBFF:
        if not text.startswith("\\u", at):
            _fail_pair(start)
        low, at = _read_hex(text, at + 2, start)
        if not 0xDC00 <= low <= 0xDFFF:
            _fail_pair(start)
        code = ((code - 0xD800) << 10 | (low - 0xDC00)) + 0x10000
    # A low half alone is taken, and becomes three bytes that are not UTF-8.
    encoded = chr(code).encode("utf-8", "surrogatepass")
    return encoded.decode("latin-1"), at


def _read_hex(text: str, at: int, start: int) -> tuple[int, int]:
    found = _HEX.match(text, at)
    if found is None:
        words = "Incorrect hex digit after \\u escape in string."
        raise JsonSyntaxError(words, start)
    return int(found.group(), 16), found.end()


def _fail_pair(start: int) -> None:
    words = "The surrogate pair in string is invalid."
    raise JsonSyntaxError(words, start)
