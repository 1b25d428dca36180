"""`TensorProto` to NumPy and back, as TensorFlow reads and writes it.

Numbers of type bfloat16, which NumPy lacks, are arrays of float32 here.
Strings are arrays of objects, each of type `bytes`.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from keras_vae_serving import dtypes
from keras_vae_serving.dtypes import DataType
from keras_vae_serving.rpc import packed, tensor_content
from keras_vae_serving.rpc.messages import TensorProto

MAX_BYTES = 2**31 - 1
_MAX_RANK = 64  # NumPy's
_POINTER = 8


class _Values(NamedTuple):
    """The field that holds the values of a data type.

    Attributes:
        field: Its name.
        number: Its number.
        numpy: What it holds.
        parts: How many of its values make one of the tensor's.
    """

    field: str
    number: int
    numpy: str
    parts: int = 1


_INT = _Values("int_val", 7, "i4")
_BITS = _Values("half_val", 13, "i4")
_VALUES = {
    "DT_FLOAT": _Values("float_val", 5, "f4"),
    "DT_DOUBLE": _Values("double_val", 6, "f8"),
    "DT_INT32": _INT,
    "DT_UINT8": _INT,
    "DT_INT16": _INT,
    "DT_INT8": _INT,
    "DT_STRING": _Values("string_val", 8, "O"),
    "DT_COMPLEX64": _Values("scomplex_val", 9, "f4", 2),
    "DT_INT64": _Values("int64_val", 10, "i8"),
    "DT_BOOL": _Values("bool_val", 11, "?"),
    "DT_BFLOAT16": _BITS,
    "DT_UINT16": _INT,
    "DT_COMPLEX128": _Values("dcomplex_val", 12, "f8", 2),
    "DT_HALF": _BITS,
    "DT_UINT32": _Values("uint32_val", 16, "u4"),
    "DT_UINT64": _Values("uint64_val", 17, "u8"),
}


def to_array(tensor: Any, max_bytes: int = MAX_BYTES) -> np.ndarray:
    """Reads a tensor; the array may be read-only.

    Where fewer values are given than the shape holds, the last is repeated,
    as TensorFlow does; with none at all they are zero.

    Args:
        tensor: A `TensorProto`.
        max_bytes: What the array may take.

    Raises:
        ValueError: if the tensor is malformed or too large; what is wrong
            with it is the message.
    """
    dtype = dtypes.BY_NUMBER.get(tensor.dtype)
    if dtype is None:
        raise ValueError(f"its dtype is {tensor.dtype}")
    shape = _shape(tensor)
    count = math.prod(shape)
    size = _item_size(dtype)
    # Sizes beside a zero count too: NumPy multiplies them.
    if size * math.prod(filter(None, shape)) > max_bytes:
        raise ValueError(
            f"its shape {_shown(shape)} takes more than {max_bytes} bytes"
        )
    content = tensor.tensor_content
    if content and count:
        flat = tensor_content.decode(content, dtype, count)
    else:
        flat = _of_field(tensor, dtype, shape, count)
    return flat.reshape(shape)


def to_proto(array: np.ndarray, dtype: DataType | None = None) -> Any:
    """Writes a tensor into the field of its type, as TensorFlow Serving does.

    Args:
        array: The values.
        dtype: Their data type. Defaults to that of `array`.

    Raises:
        ValueError: if `array` is not of the data type.
    """
    found = dtypes.of_numpy(array.dtype)
    dtype = dtype or found
    if found.numpy != _numpy(dtype):
        raise ValueError(
            f"`array` must be of dtype {_numpy(dtype)} to be sent as "
            f"{dtype.name}. Received: {array.dtype}. Convert it with "
            "`array.astype(...)`."
        )
    tensor = TensorProto(dtype=dtype.number)
    # A scalar has a shape too, of no sizes.
    tensor.tensor_shape.SetInParent()
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    if array.size:
        _fill(tensor, dtype, array.ravel())
    return tensor


def _numpy(dtype: DataType) -> np.dtype:
    return dtype.numpy or np.dtype("float32")


def _item_size(dtype: DataType) -> int:
    return _POINTER if dtype.name == "DT_STRING" else _numpy(dtype).itemsize


def _shape(tensor: Any) -> tuple[int, ...]:
    dims = tensor.tensor_shape.dim
    if len(dims) > _MAX_RANK:
        raise ValueError(f"it has {len(dims)} dimensions")
    shape = tuple(dim.size for dim in dims)
    if any(size < 0 for size in shape):
        raise ValueError(f"its shape is {_shown(shape)}")
    return shape


def _shown(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _of_field(
    tensor: Any, dtype: DataType, shape: tuple[int, ...], count: int
) -> np.ndarray:
    values = _VALUES[dtype.name]
    given = getattr(tensor, values.field)
    if len(given) > count * values.parts or len(given) % values.parts:
        raise ValueError(
            f"it has {len(given)} values in {values.field}, and its shape is "
            f"{_shown(shape)}"
        )
    flat = _repeated(_of_values(np.array(given, values.numpy), dtype), count)
    if dtype.name == "DT_STRING" and not given:
        flat[:] = b""
    return flat


def _of_values(values: np.ndarray, dtype: DataType) -> np.ndarray:
    """Turns what a field holds into values of its type."""
    if dtype.name == "DT_HALF":
        return values.astype("u2").view("f2")
    if dtype.name == "DT_BFLOAT16":
        return tensor_content.of_bfloat16(values.astype("u2"))
    if _VALUES[dtype.name].parts == 2:
        return values.view(_numpy(dtype))
    # A narrow integer is what the lowest bits say.
    return values.astype(_numpy(dtype), copy=False)


def _repeated(values: np.ndarray, count: int) -> np.ndarray:
    if len(values) == count:
        return values
    flat = np.zeros(count, values.dtype)
    flat[: len(values)] = values
    if len(values):
        flat[len(values) :] = values[-1]
    return flat


def _fill(tensor: Any, dtype: DataType, flat: np.ndarray) -> None:
    values = _VALUES[dtype.name]
    if dtype.name == "DT_STRING":
        tensor.string_val.extend(flat.tolist())
        return
    if dtype.name == "DT_HALF":
        flat = flat.view("u2")
    elif dtype.name == "DT_BFLOAT16":
        flat = tensor_content.to_bfloat16(flat)
    elif values.parts == 2:
        flat = flat.view(values.numpy)
    tensor.MergeFromString(packed.field(values.number, flat))
