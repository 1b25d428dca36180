"""Tensors from JSON, quickly: regular lists of plain values."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_vae_serving.dtypes import DataType
from keras_vae_serving.rest.json_text import Json

# NumPy's own limit is 64 dimensions, 32 before its version 2.
MAX_RANK = 32
FLOATS = ("DT_FLOAT", "DT_DOUBLE")
# As what integers are read. The smaller ones are read as 32 bits, and wrap.
_READ_AS: dict[str, np.dtype] = {
    "DT_INT8": np.dtype(np.int32),
    "DT_UINT8": np.dtype(np.int32),
    "DT_INT16": np.dtype(np.int32),
    "DT_INT32": np.dtype(np.int32),
    "DT_UINT32": np.dtype(np.uint32),
    "DT_INT64": np.dtype(np.int64),
    "DT_UINT64": np.dtype(np.uint64),
}
_RANGES = {
    name: (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    for name, dtype in _READ_AS.items()
}


def integer_range(dtype: DataType) -> tuple[int, int] | None:
    """Returns what an integer of a request may be; `None` for other types."""
    return _RANGES.get(dtype.name)


def plain_array(value: Json, dtype: DataType) -> np.ndarray | None:
    """Returns a value as an array.

    `None` where it is not plainly one: it may be wrong, or of another form.
    """
    shape: list[int] = []
    flat: list[Any] = [value]
    while type(flat[0]) is list:
        sizes = set(map(len, flat)) if set(map(type, flat)) == {list} else ()
        if len(sizes) != 1 or len(shape) == MAX_RANK:
            return None
        shape.extend(sizes)
        flat = list(itertools.chain.from_iterable(flat))
        if not flat:
            return None
    found = _convert(flat, dtype)
    return None if found is None else found.reshape(shape)


def flat_array(values: Sequence[Any], dtype: DataType) -> np.ndarray:
    """Returns values that fit a data type as an array of it."""
    read_as = _READ_AS.get(dtype.name, dtype.numpy)
    # A double may be infinite as a float.
    with np.errstate(over="ignore"):
        return np.array(values, read_as).astype(dtype.numpy, copy=False)


def _convert(flat: list[Any], dtype: DataType) -> np.ndarray | None:
    types = set(map(type, flat))
    if dtype.name in FLOATS:
        fits = types <= {int, float}
    elif dtype.name in _RANGES:
        low, high = _RANGES[dtype.name]
        fits = types == {int} and min(flat) >= low and max(flat) <= high
    elif dtype.name == "DT_STRING" and types == {str}:
        flat = [one.encode("latin-1") for one in flat]
        fits = True
    else:
        fits = dtype.name == "DT_BOOL" and types == {bool}
    return flat_array(flat, dtype) if fits else None
