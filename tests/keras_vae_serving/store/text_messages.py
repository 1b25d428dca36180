"""A message with a field of every kind, and texts of it in many styles.

`google_parse` reads the same texts with protocol buffers' own library.
"""

import math
import warnings

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
)

from keras_vae_serving.store.text_format import Field, Message

COLORS = {"RED": 0, "GREEN": 1, "BLUE": 5}
KINDS = ("string", "int32", "int64", "uint32", "uint64", "bool", "double")
RANGES = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}
LEAF = Message(
    "Leaf",
    {
        **{f"a_{kind}": Field(kind) for kind in KINDS},
        "color": Field(COLORS),
        "many": Field("int64", repeated=True),
        "words": Field("string", repeated=True),
        "left": Field("int32", one_of="side"),
        "right": Field("string", one_of="side"),
    },
)
TREE = Message(
    "Tree",
    {
        "leaf": Field(LEAF),
        "leaves": Field(LEAF, repeated=True),
        "name": Field("string"),
    },
)


def _descriptors():
    file = descriptor_pb2.FileDescriptorProto(
        name="tree.proto", package="test", syntax="proto2"
    )
    enum = file.enum_type.add(name="Color")
    for name, number in COLORS.items():
        enum.value.add(name=name, number=number)
    for message in (LEAF, TREE):
        made = file.message_type.add(name=message.name)
        for number, (name, field) in enumerate(message.fields.items(), 1):
            _add_field(made, number, name, field)
    return file


def _add_field(made, number, name, field):
    proto = descriptor_pb2.FieldDescriptorProto
    label = proto.LABEL_REPEATED if field.repeated else proto.LABEL_OPTIONAL
    added = made.field.add(name=name, number=number, label=label)
    if isinstance(field.kind, Message):
        added.type = proto.TYPE_MESSAGE
        added.type_name = f".test.{field.kind.name}"
    elif isinstance(field.kind, str):
        added.type = getattr(proto, f"TYPE_{field.kind.upper()}")
    else:
        added.type = proto.TYPE_ENUM
        added.type_name = ".test.Color"
    if field.one_of:
        if not made.oneof_decl:
            made.oneof_decl.add(name=field.one_of)
        added.oneof_index = 0


POOL = descriptor_pool.DescriptorPool()
POOL.Add(_descriptors())
GoogleTree = message_factory.GetMessageClass(
    POOL.FindMessageTypeByName("test.Tree")
)


def google_parse(text):
    """What protocol buffers' own library reads; raises if it refuses."""
    with warnings.catch_warnings():
        # It only warns of escapes that mean nothing.
        warnings.simplefilter("error")
        return _as_dict(text_format.Parse(text, GoogleTree()), TREE)


def _as_dict(found, message):
    values = {}
    for name, field in message.fields.items():
        value = getattr(found, name)
        if field.repeated:
            if len(value):
                values[name] = [_plain(one, field) for one in value]
        elif found.HasField(name):
            values[name] = _plain(value, field)
    return values


def _plain(value, field):
    is_message = isinstance(field.kind, Message)
    return _as_dict(value, field.kind) if is_message else value


def without_empty_lists(value):
    """Protocol buffers do not tell an empty list from none."""
    if isinstance(value, dict):
        kept = {k: without_empty_lists(v) for k, v in value.items()}
        return {k: v for k, v in kept.items() if v != []}
    if isinstance(value, list):
        return [without_empty_lists(one) for one in value]
    return value


class Writer:
    """Makes values of messages, and texts of them in any style.

    Args:
        rng: A `random.Random`; the same one makes the same.
    """

    def __init__(self, rng):
        self.rng = rng

    def values(self, message=TREE):
        """Values of a message, fields in any order."""
        names = self.rng.sample(list(message.fields), self.rng.randint(0, 3))
        found, groups = {}, set()
        for name in names:
            field = message.fields[name]
            if field.one_of in groups:
                continue
            groups |= {field.one_of} - {""}
            if field.repeated:
                count = self.rng.randint(0, 3)
                found[name] = [self._any(field.kind) for _ in range(count)]
            else:
                found[name] = self._any(field.kind)
        return found

    def _any(self, kind):
        if isinstance(kind, Message):
            return self.values(kind)
        if kind == "string":
            size = self.rng.randint(0, 5)
            return "".join(self.rng.choices(CHARACTERS, k=size))
        if kind == "bool":
            return self.rng.random() < 0.5
        if kind == "double":
            return self.rng.choice(DOUBLES)
        if isinstance(kind, str):
            smallest, largest = RANGES[kind]
            numbers = (smallest, largest, self.rng.randint(smallest, largest))
            return self.rng.choice((0, 7, 8, 63, *numbers))
        return self.rng.choice(list(kind.values()))

    def text(self, content, message=TREE):
        """A text that stands for the content."""
        parts = [self._space()]
        for name, value in content.items():
            field = message.fields[name]
            if field.repeated and self.rng.random() < 0.5:
                inner = [self._value(one, field.kind) for one in value]
                listed = f",{self._space()}".join(inner)
                text = f"[{self._space()}{listed}]"
                parts.append(self._field(name, text, field))
            else:
                for one in value if field.repeated else [value]:
                    text = self._value(one, field.kind)
                    parts.append(self._field(name, text, field))
        return "".join(parts)

    def _field(self, name, text, field):
        is_message = isinstance(field.kind, Message)
        colon = self.rng.choice([":", ""]) if is_message else ":"
        space, around = self._space(), self._space()
        separator = self.rng.choice([" ", "\n", ",", ";"])
        return f"{name}{space}{colon}{around}{text}{separator}{self._space()}"

    def _value(self, value, kind):
        if isinstance(kind, Message):
            opening, closing = self.rng.choice(["{}", "<>"])
            return f"{opening}{self.text(value, kind)}{closing}"
        if kind == "string":
            return self._string(value)
        if kind == "bool":
            true, false = ("true", "True", "t", "1"), ("false", "f", "0")
            return self.rng.choice(true if value else false)
        if kind == "double":
            infinite = "-Infinity" if value < 0 else "inf"
            return infinite if math.isinf(value) else repr(value)
        if not isinstance(kind, str):
            names = [name for name, one in COLORS.items() if one == value]
            return self.rng.choice([*names, str(value)])
        sign = "-" if value < 0 else ""
        return sign + self.rng.choice(["{}", "{:#x}", "0{:o}"]).format(
            abs(value)
        )

    def _string(self, value):
        """A string, perhaps in two pieces."""
        cut = self.rng.randint(0, len(value))
        pieces = [value[:cut], value[cut:]] if cut else [value]
        quoted = []
        for piece in pieces:
            quote = self.rng.choice("\"'")
            inner = "".join(self._character(one, quote) for one in piece)
            quoted.append(f"{quote}{inner}{quote}")
        return f" {self._space()}".join(quoted)

    def _character(self, character, quote):
        octal = "".join(f"\\{byte:03o}" for byte in character.encode())
        hexadecimal = "".join(f"\\x{byte:02x}" for byte in character.encode())
        choices = [octal, hexadecimal]
        if character in ESCAPES:
            choices.append(ESCAPES[character])
        if character not in f"{quote}\n\\":
            choices.append(character)
        return self.rng.choice(choices)

    def _space(self):
        pieces = ["", "", "", " ", "\t", "\n", ' # a comment: { "\n', "\r\n"]
        return "".join(self.rng.choices(pieces, k=self.rng.randint(0, 2)))

    def damaged(self, text):
        """The text with a few characters more, less or changed."""
        for _ in range(self.rng.randint(1, 2)):
            start = self.rng.randint(0, len(text))
            end = start + self.rng.randint(0, 2)
            new = self.rng.choices(DAMAGES, k=self.rng.randint(0, 2))
            text = text[:start] + "".join(new) + text[end:]
        return text


CHARACTERS = "aZ09 _{}<>:#'\"\\\n\té\u20ac\U0001f600\x7f"
ESCAPES = {
    "\n": "\\n",
    "\t": "\\t",
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "\u20ac": "\\u20ac",
    "\U0001f600": "\\U0001f600",
}
DOUBLES = (0.0, 1.0, -2.5, 0.1, 1e300, 1e-7, 5e-324, math.inf, -math.inf)
DAMAGES = "{}<>[]:,;-.#\"'\\ \n0189afxeu"
