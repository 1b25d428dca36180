"""TensorFlow's data types: their names, their numbers, and NumPy's."""

from typing import NamedTuple

import numpy as np


class DataType(NamedTuple):
    """One data type.

    Attributes:
        name: As in metadata, e.g. "DT_FLOAT".
        number: In protocol buffers.
        word: As in error messages, e.g. "float".
        numpy: What holds its values, `None` where NumPy has no such type.
            Strings are arrays of objects, each of type `bytes`.
    """

    name: str
    number: int
    word: str
    numpy: np.dtype | None


_TABLE = (
    ("DT_FLOAT", 1, "float", "float32"),
    ("DT_DOUBLE", 2, "double", "float64"),
    ("DT_INT32", 3, "int32", "int32"),
    ("DT_UINT8", 4, "uint8", "uint8"),
    ("DT_INT16", 5, "int16", "int16"),
    ("DT_INT8", 6, "int8", "int8"),
    ("DT_STRING", 7, "string", "object"),
    ("DT_COMPLEX64", 8, "complex64", "complex64"),
    ("DT_INT64", 9, "int64", "int64"),
    ("DT_BOOL", 10, "bool", "bool"),
    ("DT_BFLOAT16", 14, "bfloat16", None),
    ("DT_UINT16", 17, "uint16", "uint16"),
    ("DT_COMPLEX128", 18, "complex128", "complex128"),
    ("DT_HALF", 19, "half", "float16"),
    ("DT_UINT32", 22, "uint32", "uint32"),
    ("DT_UINT64", 23, "uint64", "uint64"),
)
ALL = tuple(
    DataType(name, number, word, np.dtype(numpy) if numpy else None)
    for name, number, word, numpy in _TABLE
)
BY_NAME = {one.name: one for one in ALL}
BY_NUMBER = {one.number: one for one in ALL}
_BY_NUMPY = {one.numpy: one for one in ALL if one.numpy is not None}


def of_numpy(dtype: np.dtype | type | str) -> DataType:
    """Returns the data type of NumPy's, `object` meaning strings.

    Raises:
        ValueError: if TensorFlow has no such type.
    """
    found = _BY_NUMPY.get(np.dtype(dtype))
    if found is None:
        known = sorted(str(one) for one in _BY_NUMPY)
        raise ValueError(
            f"`dtype` must be one of {known}. Received: dtype={dtype!r}. "
            "Convert the array with `array.astype(...)`."
        )
    return found
