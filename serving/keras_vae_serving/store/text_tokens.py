"""Cuts protocol buffers' text format into tokens.

Source: https://protobuf.dev/reference/protobuf/textformat-spec/.
"""

import re
from typing import NamedTuple

_SKIPPED = re.compile(r"(?:[ \t\n\v\f\r]+|#[^\n]*)+")
_TOKEN = re.compile(
    r"""
    (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<float>
        (?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?
        |(?:0|[1-9][0-9]*)(?:[eE][+-]?[0-9]+[fF]?|[fF])
    )
    |(?P<integer>0[xX][0-9a-fA-F]+|[0-9]+)
    |(?P<string>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')
    |(?P<symbol>[{}<>\[\]:,;\-/.])
    """,
    re.VERBOSE,
)
_HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]+")
_DECIMAL = re.compile(r"0|[1-9][0-9]*")
_MAX_DIGITS = 100  # More than any integer type has.
_OCTAL = re.compile(r"0[0-7]*")
_ESCAPE = re.compile(
    r"""\\(?:
    (?P<octal>[0-7]{1,3})
    |[xX](?P<hex>[0-9a-fA-F]{1,2})
    |u(?P<short>[0-9a-fA-F]{4})
    |U(?P<long>[0-9a-fA-F]{8})
    |(?P<letter>.)
    )""",
    re.VERBOSE | re.DOTALL,
)
_LETTERS = {
    "a": b"\a",
    "b": b"\b",
    "f": b"\f",
    "n": b"\n",
    "r": b"\r",
    "t": b"\t",
    "v": b"\v",
    "?": b"?",
    "\\": b"\\",
    "'": b"'",
    '"': b'"',
}


class TextFormatError(ValueError):
    """A text that is not in the format; says where.

    Args:
        place: The character's number in the text.
        message: What is wrong, as a sentence.
    """

    def __init__(self, text: str, place: int, message: str) -> None:
        line = text.count("\n", 0, place) + 1
        column = place - (text.rfind("\n", 0, place) + 1) + 1
        super().__init__(f"line {line}, column {column}: {message}")
        self.line = line
        self.column = column


class Token(NamedTuple):
    """A piece of the text.

    Attributes:
        kind: "name", "integer", "float", "string", "symbol" or "end".
        text: As it stands there.
        place: The number of its first character.
    """

    kind: str
    text: str
    place: int

    @property
    def shown(self) -> str:
        """The token as messages show it."""
        return f"`{self.text[:100]}`" if self.text else "the end of the text"


def tokens(text: str) -> list[Token]:
    """Returns the tokens of a text, without comments and white space.

    The last one is of the kind "end".

    Raises:
        TextFormatError: where no token begins.
    """
    found: list[Token] = []
    place = 0
    while True:
        skipped = _SKIPPED.match(text, place)
        place = skipped.end() if skipped else place
        if place == len(text):
            return [*found, Token("end", "", place)]
        match = _TOKEN.match(text, place)
        if match is None:
            raise TextFormatError(text, place, _reason(text[place]))
        token = Token(str(match.lastgroup), match.group(), place)
        _check_apart(text, found, token)
        found.append(token)
        place = match.end()


def integer_of(token: Token) -> int | None:
    """Reads an integer: decimal, hexadecimal (0x1f) or octal (017).

    Returns:
        `None` if it is none: "08" is not.
    """
    text = token.text
    if len(text) > _MAX_DIGITS:
        return None
    if _HEXADECIMAL.fullmatch(text):
        return int(text, 16)
    if _OCTAL.fullmatch(text):
        return int(text, 8)
    return int(text) if is_decimal(token) else None


def is_decimal(token: Token) -> bool:
    """Whether an integer is written with decimal digits: "010" is not."""
    return _DECIMAL.fullmatch(token.text) is not None


def bytes_of(text: str, token: Token) -> bytes:
    """Returns what a string between quotes stands for.

    Raises:
        TextFormatError: if an escape is none.
    """
    inner = token.text[1:-1]
    parts: list[bytes] = []
    end = 0
    for match in _ESCAPE.finditer(inner):
        parts.append(inner[end : match.start()].encode())
        value = _unescaped(match)
        if value is None:
            place = token.place + 1 + match.start()
            message = f"`{match.group()}` is no escape of strings."
            raise TextFormatError(text, place, message)
        parts.append(value)
        end = match.end()
    return b"".join([*parts, inner[end:].encode()])


def _unescaped(match: re.Match[str]) -> bytes | None:
    kind, digits = str(match.lastgroup), str(match.group(match.lastgroup or 0))
    if kind == "letter":
        return _LETTERS.get(digits)
    code = int(digits, 8 if kind == "octal" else 16)
    if kind in ("octal", "hex"):
        return bytes([code]) if code < 256 else None
    is_character = code < 0x110000 and not 0xD800 <= code < 0xE000
    return chr(code).encode() if is_character else None


def _check_apart(text: str, before: list[Token], token: Token) -> None:
    """Refuses a name right after a number: "3abc" is neither."""
    if not before or token.kind not in ("name", "integer", "float"):
        return
    last = before[-1]
    touches = last.place + len(last.text) == token.place
    if touches and last.kind in ("integer", "float"):
        message = f"`{last.text}{token.text}` is no number."
        raise TextFormatError(text, last.place, message)


def _reason(character: str) -> str:
    if character in "\"'":
        return "A string must end on its line, with the quote it began with."
    return f"{character!r} has no meaning outside of strings and comments."
