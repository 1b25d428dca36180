"""Reads protocol buffers' text format, the format of `models.config`.

Source: https://protobuf.dev/reference/protobuf/textformat-spec/. What it
calls extensions and `Any` values is refused; TensorFlow Serving's files have
no use for them.
"""

import dataclasses
import difflib
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from keras_vae_serving.store.text_tokens import (
    TextFormatError,
    Token,
    bytes_of,
    integer_of,
    is_decimal,
    tokens,
)

_MAX_DEPTH = 100
_CLOSING = {"{": "}", "<": ">"}
_RANGES = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}
_BOOLS = {
    "true": True,
    "True": True,
    "t": True,
    "1": True,
    "false": False,
    "False": False,
    "f": False,
    "0": False,
}
_FLOATS = {"inf": math.inf, "infinity": math.inf, "nan": math.nan}


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of a message.

    Attributes:
        kind: "string", "bool", "double", an integer type such as "int64", a
            `Message`, or, for an enumeration, its numbers by name.
        repeated: Whether its value is a list.
        one_of: The group of which at most one field may be given.
    """

    kind: "str | Message | Mapping[str, int]"
    repeated: bool = False
    one_of: str = ""


@dataclasses.dataclass(frozen=True)
class Message:
    """A message: its name and its fields.

    Attributes:
        name: For error messages.
        fields: By name.
    """

    name: str
    fields: Mapping[str, Field]


def parse(text: str, message: Message) -> dict[str, Any]:
    """Reads a message.

    Args:
        text: The text.
        message: What it may hold.

    Returns:
        By field, its value: messages are dictionaries, repeated fields
        lists, enumerations numbers. Fields that are not given are left out.

    Raises:
        TextFormatError: says what is wrong, with line and column.

    Example:
    >>> parse("max: 3 # rows", Message("Limits", {"max": Field("int64")}))
    {'max': 3}
    """
    return _Parser(text).parse(message)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._next = 0
        self._depth = 0

    def parse(self, message: Message) -> dict[str, Any]:
        return self._fields(message, "")

    def _fields(self, message: Message, closing: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not self._takes(closing):
            name = self._take()
            field = self._field(message, name, closing)
            self._check_once(message, values, name, field)
            if field.repeated:
                values.setdefault(name.text, []).extend(self._values(field))
            else:
                values[name.text] = self._value(field)
            if not self._takes(","):
                self._takes(";")
        return values

    def _field(self, message: Message, name: Token, closing: str) -> Field:
        if name.kind != "name":
            end = f" or `{closing}`" if closing else ""
            self._fail(
                name,
                f"Expected the name of a field of {message.name}{end}. "
                f"Received: {name.shown}.",
            )
        field = message.fields.get(name.text)
        if field is None:
            close = difflib.get_close_matches(name.text, message.fields, n=1)
            known = ", ".join(message.fields)
            hint = (
                f"Did you mean `{close[0]}`?" if close else f"It has {known}."
            )
            self._fail(
                name, f"{message.name} has no field {name.shown}. {hint}"
            )
        return field

    def _check_once(
        self,
        message: Message,
        values: Mapping[str, Any],
        name: Token,
        field: Field,
    ) -> None:
        if name.text in values and not field.repeated:
            self._fail(
                name,
                f"{message.name} must have {name.shown} once. Leave out all "
                "but one.",
            )
        for other in values:
            group = message.fields[other].one_of
            if group and group == field.one_of:
                self._fail(
                    name,
                    f"{message.name} must have one of `{other}` and "
                    f"{name.shown}, not both.",
                )

    def _values(self, field: Field) -> list[Any]:
        """The values of a repeated field: one, or a list in brackets."""
        self._colon(field)
        if not self._takes("["):
            return [self._single(field)]
        found: list[Any] = []
        if self._takes("]"):
            return found
        while True:
            found.append(self._single(field))
            if self._takes("]"):
                return found
            self._expect(",", "`,` or `]`")

    def _value(self, field: Field) -> Any:
        self._colon(field)
        return self._single(field)

    def _colon(self, field: Field) -> None:
        """Messages may do without the colon, other values may not."""
        if not self._takes(":") and not isinstance(field.kind, Message):
            self._expect(":", "`:`")

    def _single(self, field: Field) -> Any:
        kind = field.kind
        if isinstance(kind, Message):
            return self._message(kind)
        if kind == "string":
            return self._string()
        if isinstance(kind, Mapping):
            return self._enumeration(kind)
        if kind == "bool":
            return self._bool()
        return self._float() if kind == "double" else self._integer(kind)

    def _message(self, message: Message) -> dict[str, Any]:
        opening = self._take()
        closing = _CLOSING.get(opening.text)
        if closing is None or opening.kind != "symbol":
            self._fail(
                opening,
                f"Expected `{{` and the fields of {message.name}. Received: "
                f"{opening.shown}.",
            )
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            self._fail(opening, f"More than {_MAX_DEPTH} messages are nested.")
        values = self._fields(message, closing)
        self._depth -= 1
        return values

    def _string(self) -> str:
        first = self._peek()
        parts = []
        while self._peek().kind == "string":
            parts.append(bytes_of(self._text, self._take()))
        if not parts:
            self._fail(
                first, f"Expected a string in quotes. Received: {first.shown}."
            )
        try:
            return b"".join(parts).decode()
        except UnicodeDecodeError:
            self._fail(first, "A string must be UTF-8.")

    def _integer(self, kind: str) -> int:
        is_negative = self._takes("-")
        token = self._take()
        value = integer_of(token) if token.kind == "integer" else None
        if value is None:
            self._fail(token, f"Expected an integer. Received: {token.shown}.")
        value = -value if is_negative else value
        smallest, largest = _RANGES[kind]
        if not smallest <= value <= largest:
            self._fail(
                token,
                f"Expected an integer from {smallest} to {largest}. Received: "
                f"{value}.",
            )
        return value

    def _bool(self) -> bool:
        token = self._take()
        value = _BOOLS.get(token.text)
        if value is None or token.kind == "string":
            self._fail(
                token, f"Expected true or false. Received: {token.shown}."
            )
        return value

    def _enumeration(self, numbers: Mapping[str, int]) -> int:
        if self._peek().kind != "name":
            return self._integer("int32")
        token = self._take()
        if token.text not in numbers:
            self._fail(
                token,
                f"Expected one of {', '.join(numbers)}. Received: "
                f"{token.shown}.",
            )
        return numbers[token.text]

    def _float(self) -> float:
        sign = -1.0 if self._takes("-") else 1.0
        token = self._take()
        if token.kind == "name" and token.text.lower() in _FLOATS:
            return sign * _FLOATS[token.text.lower()]
        if token.kind == "float":
            return sign * float(token.text.rstrip("fF"))
        if token.kind != "integer" or not is_decimal(token):
            self._fail(token, f"Expected a number. Received: {token.shown}.")
        return sign * float(token.text)

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._peek()
        if token.kind != "end":
            self._next += 1
        return token

    def _takes(self, symbol: str) -> bool:
        """Takes the next token if it is a symbol; "" is the text's end."""
        token = self._peek()
        kind = "symbol" if symbol else "end"
        if (token.kind, token.text) != (kind, symbol):
            return False
        self._take()
        return True

    def _expect(self, symbol: str, wanted: str) -> None:
        if not self._takes(symbol):
            token = self._peek()
            self._fail(token, f"Expected {wanted}. Received: {token.shown}.")

    def _fail(self, token: Token, message: str) -> NoReturn:
        raise TextFormatError(self._text, token.place, message)
