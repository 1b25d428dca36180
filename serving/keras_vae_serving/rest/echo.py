"""Values of a request as error messages show them."""

import codecs
import decimal
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from keras_vae_serving.rest.json_text import Json, Members, quote, readable

MAX_BYTES = 256
_MAX_FLOAT = 3.4028234e38


class _Nested(NamedTuple):
    """A value within the one that is being printed."""

    value: Json


def echo(value: Json) -> str:
    """Returns a value as RapidJSON's pretty writer prints it, cut short.

    Lists stand on one line. At most `MAX_BYTES` bytes are printed, and no
    part of a character.
    """
    if isinstance(value, float):
        return _decimal(value)
    pieces = []
    size = 0
    for piece in _pieces(value):
        pieces.append(piece)
        size += len(piece)
        if size >= MAX_BYTES:
            break
    text = "".join(pieces)
    if len(text) <= MAX_BYTES:
        return readable(text)
    # Such a decoder keeps back the bytes of a character that is not complete.
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    return decoder.decode(text[:MAX_BYTES].encode("latin-1"))


def _pieces(root: Json) -> Iterator[str]:
    """Yields the text of a value bit by bit; does not recurse."""
    open_parts = [_parts(root, 1)]
    while open_parts:
        part = next(open_parts[-1], None)
        if part is None:
            open_parts.pop()
        elif isinstance(part, str):
            yield part
        else:
            open_parts.append(_parts(part.value, len(open_parts) + 1))


def _parts(value: Json, depth: int) -> Iterator[str | _Nested]:
    if isinstance(value, dict):
        return _object_parts(value, depth)
    if isinstance(value, list):
        return _list_parts(value)
    return iter((_scalar(value),))


def _object_parts(value: dict, depth: int) -> Iterator[str | _Nested]:
    pairs = value.pairs if isinstance(value, Members) else value.items()
    yield "{"
    comma = ""
    for key, inner in pairs:
        yield f"{comma}\n{'    ' * depth}{quote(key[:MAX_BYTES])}: "
        yield _Nested(inner)
        comma = ","
    yield f"\n{'    ' * (depth - 1)}}}" if comma else "}"


def _list_parts(value: list) -> Iterator[str | _Nested]:
    yield "["
    comma = ""
    for inner in value:
        yield comma
        yield _Nested(inner)
        comma = ", "
    yield "]"


def _scalar(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote(value[:MAX_BYTES])
    if isinstance(value, float):
        return _non_finite(value) or _shortest(value)
    return str(value)


def _non_finite(value: float) -> str | None:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return None


def _decimal(value: float) -> str:
    """Returns a lone number: six digits, or as many as it needs."""
    name = _non_finite(value)
    if name:
        return name
    kind: type[np.floating] = np.float64
    if abs(value) <= _MAX_FLOAT:
        kind, digits = np.float32, 9
    else:
        digits = 17
    value = float(kind(value))
    text = f"{value:g}"
    if kind(text) != value:
        text = f"{value:.{digits}g}"
    return text if "." in text or "e" in text else f"{text}.0"


def _shortest(value: float) -> str:
    """Returns a number within a list or object, as RapidJSON prints it."""
    if not value:
        return repr(value)
    exact = decimal.Decimal(repr(value)).normalize()
    sign, numerals, exponent = exact.as_tuple()
    digits = "".join(map(str, numerals))
    point = len(digits) + int(exponent)
    if 0 <= int(exponent) and point <= 21:
        text = f"{digits}{'0' * int(exponent)}.0"
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        text = f"{digits[0]}{fraction}e{point - 1}"
    return f"-{text}" if sign else text
