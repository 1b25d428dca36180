"""Tensors from JSON, with the real server's rules and its words for errors."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_vae_serving.dtypes import DataType
from keras_vae_serving.rest.echo import echo
from keras_vae_serving.rest.json_text import Json
from keras_vae_serving.rest.plain_tensors import (
    FLOATS,
    MAX_RANK,
    flat_array,
    integer_range,
    plain_array,
)
from keras_vae_serving.rest.strings import decode_object
from keras_vae_serving.status import Code, ServingError, invalid


class Dense(NamedTuple):
    """A tensor that is not an array yet: its sizes and its values."""

    shape: tuple[int, ...]
    values: list[Any]


def to_array(name: str, value: Json, dtype: DataType) -> np.ndarray:
    """Returns a value of JSON as an array.

    Args:
        name: The input's, for messages.
        value: One value, or lists of them, as deep as the tensor's rank.
        dtype: What the values must be.

    Raises:
        ServingError: if it is not such a tensor.
    """
    found = plain_array(value, dtype)
    if found is not None:
        return found
    return make_array(name, read(value, dtype), dtype)


def read(value: Json, dtype: DataType) -> Dense:
    """Reads a tensor value by value.

    Raises:
        ServingError: about the first value or list that is wrong.
    """
    shape = _shape(value)
    values = []
    lists = [iter((value,))]
    while lists:
        level = len(lists) - 1
        for one in lists[-1]:
            if isinstance(one, list):
                _check_list(one, level, shape)
                lists.append(iter(one))
                break
            _check_level(one, level, shape)
            values.append(_convert(one, dtype))
        else:
            lists.pop()
    return Dense(shape, values)


def stack(rows: Sequence[Dense]) -> Dense:
    """Returns tensors of one shape as one tensor, a row each."""
    shape = (len(rows), *rows[0].shape)
    return Dense(shape, [value for row in rows for value in row.values])


def make_array(name: str, dense: Dense, dtype: DataType) -> np.ndarray:
    """Returns a tensor as an array.

    Raises:
        ServingError: if it has too many dimensions, or NumPy has no such type.
    """
    if len(dense.shape) > MAX_RANK:
        raise invalid(f"tensor parsing error: {name}")
    if dtype.numpy is None:
        raise _unimplemented(dense.values, dtype)
    return flat_array(dense.values, dtype).reshape(dense.shape)


def _shape(value: Json) -> tuple[int, ...]:
    """Returns the sizes that the first value of each list tells."""
    sizes = []
    while isinstance(value, list):
        sizes.append(len(value))
        value = value[0] if value else None
    return tuple(sizes)


def _check_list(value: list, level: int, shape: tuple[int, ...]) -> None:
    if level >= len(shape):
        raise invalid(
            f"Encountered list at unexpected level: {level} expected < "
            f"{len(shape)}"
        )
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: "
            f"{level} expected size: {shape[level]}"
        )


def _check_level(value: Json, level: int, shape: tuple[int, ...]) -> None:
    if level != len(shape):
        raise invalid(
            f"JSON Value: {echo(value)} found at incorrect level: "
            f"{level + 1} in the JSON DOM. Expected at level: {len(shape)}"
        )


def _convert(value: Json, dtype: DataType) -> Any:
    """Returns a value as an array of that type holds it."""
    if isinstance(value, dict) and dtype.name == "DT_STRING":
        return decode_object(value)
    if isinstance(value, dict) or not _fits(value, dtype):
        raise invalid(
            f"JSON Value: {echo(value)} Type: {_type_name(value)} is not of "
            f"expected type: {dtype.word}"
        )
    return value.encode("latin-1") if isinstance(value, str) else value


def _fits(value: Json, dtype: DataType) -> bool:
    if dtype.name in FLOATS:
        return type(value) in (int, float)
    if dtype.name == "DT_BOOL":
        return isinstance(value, bool)
    if dtype.name == "DT_STRING":
        return isinstance(value, str)
    allowed = integer_range(dtype)
    if allowed is None:
        raise _unimplemented(value, dtype)
    # Not `isinstance`: Python's truth values are integers, JSON's are not.
    if type(value) is not int:
        return False
    return allowed[0] <= value <= allowed[1]


def _unimplemented(value: Json, dtype: DataType) -> ServingError:
    return ServingError(
        Code.UNIMPLEMENTED,
        f"Conversion of JSON Value: {echo(value)} to type: {dtype.word}",
    )


def _type_name(value: Json) -> str:
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, dict):
        return "Object"
    return "String" if isinstance(value, str) else "Number"
