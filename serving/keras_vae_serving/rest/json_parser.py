"""Parses a request's body: quickly where it is plain JSON, else exactly."""

from collections.abc import Callable

import orjson

from keras_vae_serving.rest import json_reader
from keras_vae_serving.rest.json_limits import check_counts
from keras_vae_serving.rest.json_text import Json
from keras_vae_serving.rest.syntax_error import JsonSyntaxError


def parse(body: bytes, is_over: Callable[[], bool] = lambda: False) -> Json:
    """Returns the value that a body begins with, as RapidJSON reads it.

    Args:
        body: As it came. Strings are returned a character for each byte.
        is_over: Whether nobody waits for it any more.

    Raises:
        JsonSyntaxError: in RapidJSON's words, with its offset.
        JsonLimitError: if it holds too much.
        GivenUp: if `is_over` says so.
    """
    if not body:
        raise JsonSyntaxError("The document is empty")
    check_counts(body)
    value = _parse_plain(body)
    if value is not None:
        return value
    return json_reader.read(body.decode("latin-1"), is_over)


def _parse_plain(body: bytes) -> Json:
    """Parses strict JSON of ASCII; `None` where it is anything else.

    orjson is ten times as fast as the standard library here. What it refuses
    is read once more, and so is what it would take in another way: names
    that an object has twice, and strings that are not bytes for characters.
    """
    if not body.isascii() or b"\\u" in body:
        return None
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return value if _has_all_members(value, body.count(b":")) else None


def _has_all_members(value: Json, colons: int) -> bool:
    """Whether no member was lost because an object names it twice.

    A text has at least as many colons as members: where the objects have as
    many, none is missing. A colon within a string costs a second look.
    """
    level = [value]
    while level and colons:
        colons -= sum(len(one) for one in level if type(one) is dict)
        level = [inner for one in level for inner in _containers(one)]
    return colons == 0


def _containers(value: Json) -> list[Json]:
    """Returns the objects and lists in a value.

    A list that begins with neither is taken for one of plain values; what it
    holds is missed, and read exactly.
    """
    if type(value) is dict:
        values = list(value.values())
    elif type(value) is list and value and type(value[0]) in (dict, list):
        values = value
    else:
        return []
    return [one for one in values if type(one) in (dict, list)]
