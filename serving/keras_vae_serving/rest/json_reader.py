"""Reads JSON as RapidJSON does, with its words and offsets for errors.

That is the parser of the real server: it takes more than the standard allows
(NaN, Infinity, Inf), stops at the end of the first value, and does not
recurse, so that a great depth of brackets is not too deep.
"""

import re
from collections.abc import Callable

from keras_vae_serving.rest.json_limits import GivenUp, check_depth
from keras_vae_serving.rest.json_numbers import NUMBER_RUN, numbers, read_number
from keras_vae_serving.rest.json_strings import read_string
from keras_vae_serving.rest.json_text import Json, Members
from keras_vae_serving.rest.syntax_error import JsonSyntaxError

_SPACE = re.compile(r"[ \n\r\t]*")
_SPACES = frozenset(" \n\r\t")
# A zero byte ends a text, too.
_END = frozenset(("", "\0"))
_BYTE_ORDER_MARK = re.compile("\xef?\xbb?\xbf?")
_OPENINGS = re.compile(r"\[+")
_CLOSINGS = re.compile(r"\]+")
# How often it is asked whether anybody still waits.
_STEPS = 4096
_LITERALS = {"t": ("true", True), "f": ("false", False), "n": ("null", None)}

# What was read last, and what is said if nothing that may follow it does.
_START = "start"
_OBJECT = "object"
_KEY = "key"
_COLON = "colon"
_MEMBER = "member"
_MEMBER_COMMA = "member comma"
_ARRAY = "array"
_ELEMENT = "element"
_ELEMENT_COMMA = "element comma"
_MISSING = {
    _START: "The document is empty.",
    _OBJECT: "Missing a name for object member.",
    _KEY: "Missing a colon after a name of object member.",
    _COLON: "Invalid value.",
    _MEMBER: "Missing a comma or } after an object member.",
    _MEMBER_COMMA: "Missing a name for object member.",
    _ARRAY: "Invalid value.",
    _ELEMENT: "Missing a comma or ] after an array element.",
    _ELEMENT_COMMA: "Invalid value.",
}


def read(text: str, is_over: Callable[[], bool] = lambda: False) -> Json:
    """Returns the first value of a text.

    Args:
        text: JSON, a character for each byte.
        is_over: Whether nobody waits for it any more.

    Raises:
        JsonSyntaxError: if it does not begin with a value.
        JsonLimitError: if it is too deep.
        GivenUp: if `is_over` says so.
    """
    return _Reader(text).read(is_over)


class _Reader:
    """One pass over a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._state = _START
        self._root: list[Json] = []
        # What is open: the values of a list, or the pairs of an object; and
        # which of the two each is. Apart, because there may be a million.
        self._open: list[list] = []
        self._are_objects = bytearray()
        self._keys: list[str] = []
        self._steps = {
            _START: self._read_value,
            _OBJECT: self._read_key,
            _KEY: self._read_colon,
            _COLON: self._read_value,
            _MEMBER: self._read_after_member,
            _MEMBER_COMMA: self._read_key,
            _ARRAY: self._read_value,
            _ELEMENT: self._read_after_element,
            _ELEMENT_COMMA: self._read_value,
        }

    def read(self, is_over: Callable[[], bool]) -> Json:
        self._skip(_BYTE_ORDER_MARK)
        while not is_over():
            self._read_on()
            if self._root:
                return self._root[0]
        raise GivenUp

    def _read_on(self) -> None:
        """Takes some steps, unless the end comes before."""
        for _ in range(_STEPS):
            char = self._text[self._at : self._at + 1]
            if char in _SPACES:
                self._skip(_SPACE)
                char = self._text[self._at : self._at + 1]
            if char in _END:
                self._fail()
            self._steps[self._state](char)
            if self._root:
                return

    def _skip(self, pattern: re.Pattern[str]) -> int:
        """Moves over a match; returns how long it is."""
        start = self._at
        found = pattern.match(self._text, start)
        if found is not None:
            self._at = found.end()
        return self._at - start

    def _fail(self) -> None:
        raise JsonSyntaxError(_MISSING[self._state], self._at)

    def _read_value(self, char: str) -> None:
        if char == "[":
            self._begin(self._skip(_OPENINGS), is_object=False)
            self._state = _ARRAY
        elif char == "{":
            self._at += 1
            self._begin(1, is_object=True)
            self._state = _OBJECT
        elif char == "]" and self._state == _ARRAY:
            self._close_lists()
        elif char in "]},:":
            self._fail()
        else:
            self._read_scalar(char)

    def _begin(self, count: int, is_object: bool) -> None:
        """Opens lists, or objects, one in the other."""
        check_depth(len(self._open) + count)
        self._open.extend([] for _ in range(count))
        self._are_objects.extend(bytes([is_object]) * count)

    def _read_scalar(self, char: str) -> None:
        value: Json
        if char == '"':
            value, self._at = read_string(self._text, self._at)
        elif char in _LITERALS:
            value = self._read_literal(*_LITERALS[char])
        elif self._read_run():
            return
        else:
            value, self._at = read_number(self._text, self._at)
        self._add(value)

    def _read_run(self) -> bool:
        """Reads many numbers of a list at once, with a comma after each."""
        if self._state not in (_ARRAY, _ELEMENT_COMMA):
            return False
        run = NUMBER_RUN.match(self._text, self._at)
        if run is None:
            return False
        self._open[-1].extend(numbers(run.group()))
        self._at = run.end()
        self._state = _ELEMENT_COMMA
        return True

    def _read_literal(self, word: str, value: Json) -> Json:
        for char in word:
            if not self._text.startswith(char, self._at):
                raise JsonSyntaxError("Invalid value.", self._at)
            self._at += 1
        return value

    def _read_key(self, char: str) -> None:
        if char == '"':
            key, self._at = read_string(self._text, self._at)
            self._keys.append(key)
            self._state = _KEY
        elif char == "}" and self._state == _OBJECT:
            self._close()
        else:
            self._fail()

    def _read_colon(self, char: str) -> None:
        if char != ":":
            self._fail()
        self._at += 1
        self._state = _COLON

    def _read_after_member(self, char: str) -> None:
        if char == ",":
            self._at += 1
            self._state = _MEMBER_COMMA
        elif char == "}":
            self._close()
        else:
            self._fail()

    def _read_after_element(self, char: str) -> None:
        if char == ",":
            self._at += 1
            self._state = _ELEMENT_COMMA
        elif char == "]":
            self._close_lists()
        else:
            self._fail()

    def _close_lists(self) -> None:
        """Closes lists as long as brackets do."""
        found = _CLOSINGS.match(self._text, self._at)
        end = found.end() if found else self._at
        while self._at < end and self._open and not self._are_objects[-1]:
            self._close()

    def _close(self) -> None:
        self._at += 1
        contents, is_object = self._open.pop(), self._are_objects.pop()
        self._add(_object(contents) if is_object else contents)

    def _add(self, value: Json) -> None:
        if not self._open:
            self._root.append(value)
            return
        contents = self._open[-1]
        if self._are_objects[-1]:
            contents.append((self._keys.pop(), value))
            self._state = _MEMBER
        else:
            contents.append(value)
            self._state = _ELEMENT


def _object(pairs: list[tuple[str, Json]]) -> dict:
    members = dict(pairs)
    return members if len(members) == len(pairs) else Members(pairs)
