"""Turns the text of a `.proto` file into a descriptor, without a compiler.

Of the language it reads what the files in `protos` use: proto3 without
options, services and reserved numbers.
"""

import re
from collections.abc import Iterator
from typing import Any

from google.protobuf import descriptor_pb2

_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    name: getattr(_FIELD, f"TYPE_{name.upper()}")
    for name in (
        "double float int32 int64 uint32 uint64 bool string bytes".split()
    )
}
_TOKEN = re.compile(r"""//[^\n]*|\s+|"([^"\n]*)"|([\w.]+|[={};<>,])""")


def parse(name: str, text: str) -> descriptor_pb2.FileDescriptorProto:
    """Reads a file of definitions.

    Args:
        name: What other files import it as.
        text: Its text.

    Raises:
        ValueError: if it is not what this module reads.
    """
    file = descriptor_pb2.FileDescriptorProto(name=name)
    tokens = _Tokens(name, text)
    while not tokens.at_end:
        _read_statement(file, tokens)
    return file


class _Tokens:
    """The tokens of a file, from first to last."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._found = list(_split(name, text))[::-1]

    @property
    def at_end(self) -> bool:
        return not self._found

    def take(self, *expected: str) -> str:
        """Returns the next token, which must be one of those, if any."""
        found = self._found.pop() if self._found else ""
        if not found or (expected and found not in expected):
            raise ValueError(
                f"`text` of {self._name} must go on with "
                f"{' or '.join(expected) or 'a word'}. Received: {found!r}. "
                "Write proto3 without options, services or reserved numbers."
            )
        return found

    def skip(self, token: str) -> bool:
        """Takes the next token if it is this one."""
        if self._found and self._found[-1] == token:
            self._found.pop()
            return True
        return False

    def assigned(self) -> int:
        """Takes `= 1;`."""
        self.take("=")
        number = self.take()
        self.take(";")
        return int(number)


def _split(name: str, text: str) -> Iterator[str]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(
                f"`text` of {name} must be in the language of .proto files. "
                f"Received: {text[position : position + 20]!r}. Remove it."
            )
        position = match.end()
        found = match[1] or match[2]
        if found:
            yield found


def _read_statement(file: Any, tokens: _Tokens) -> None:
    word = tokens.take("syntax", "package", "import", "enum", "message")
    if word == "message":
        _read_message(file.message_type.add(), tokens)
    elif word == "enum":
        _read_enum(file.enum_type.add(), tokens)
    elif word == "syntax":
        tokens.take("=")
        file.syntax = tokens.take("proto3")
        tokens.take(";")
    else:
        value = tokens.take()
        tokens.take(";")
        if word == "package":
            file.package = value
        else:
            file.dependency.append(value)


def _read_enum(enum: Any, tokens: _Tokens) -> None:
    enum.name = tokens.take()
    tokens.take("{")
    while not tokens.skip("}"):
        name = tokens.take()
        enum.value.add(name=name, number=tokens.assigned())


def _read_message(message: Any, tokens: _Tokens) -> None:
    message.name = tokens.take()
    tokens.take("{")
    while not tokens.skip("}"):
        if tokens.skip("message"):
            _read_message(message.nested_type.add(), tokens)
        elif tokens.skip("enum"):
            _read_enum(message.enum_type.add(), tokens)
        elif tokens.skip("oneof"):
            _read_oneof(message, tokens)
        elif tokens.skip("map"):
            _read_map(message, tokens)
        else:
            repeated = tokens.skip("repeated")
            field = message.field.add(label=_FIELD.LABEL_OPTIONAL)
            if repeated:
                field.label = _FIELD.LABEL_REPEATED
            _read_field(field, tokens)


def _read_oneof(message: Any, tokens: _Tokens) -> None:
    index = len(message.oneof_decl)
    message.oneof_decl.add(name=tokens.take())
    tokens.take("{")
    while not tokens.skip("}"):
        field = message.field.add(label=_FIELD.LABEL_OPTIONAL)
        field.oneof_index = index
        _read_field(field, tokens)


def _read_field(field: Any, tokens: _Tokens) -> None:
    _set_type(field, tokens.take())
    field.name = tokens.take()
    field.number = tokens.assigned()


def _read_map(message: Any, tokens: _Tokens) -> None:
    """Reads `<key, value> name = 1;`: a repeated message of two fields."""
    tokens.take("<")
    key = tokens.take()
    tokens.take(",")
    value = tokens.take()
    tokens.take(">")
    name = tokens.take()
    entry = message.nested_type.add(name=_entry_name(name))
    entry.options.map_entry = True
    for number, part, type_name in ((1, "key", key), (2, "value", value)):
        field = entry.field.add(name=part, number=number)
        field.label = _FIELD.LABEL_OPTIONAL
        _set_type(field, type_name)
    message.field.add(
        name=name,
        number=tokens.assigned(),
        label=_FIELD.LABEL_REPEATED,
        type=_FIELD.TYPE_MESSAGE,
        type_name=entry.name,
    )


def _entry_name(field: str) -> str:
    """Protocol buffers call the entries of `some_map` `SomeMapEntry`."""
    return "".join(word.title() for word in field.split("_")) + "Entry"


def _set_type(field: Any, name: str) -> None:
    if name in _SCALARS:
        field.type = _SCALARS[name]
    else:
        # The pool finds out which message or enum is meant.
        field.type_name = name
