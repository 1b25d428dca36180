"""The bytes of `tensor_content`, and of numbers that NumPy does not know."""

import numpy as np

from keras_vae_serving.dtypes import DataType


def decode(content: bytes, dtype: DataType, count: int) -> np.ndarray:
    """Reads the values of a tensor that holds at least one.

    Args:
        content: `tensor_content`: the values in a row, as in memory. Of
            strings the lengths come first, then the bytes.
        dtype: Their type.
        count: How many there must be.

    Raises:
        ValueError: if there are more or fewer.
    """
    if dtype.name == "DT_STRING":
        return _strings(content, count)
    of_bits = dtype.numpy is None
    stored = np.dtype("<u2" if of_bits else dtype.numpy).newbyteorder("<")
    if len(content) != count * stored.itemsize:
        raise ValueError(
            f"its tensor_content has {len(content)} bytes instead of "
            f"{count * stored.itemsize}"
        )
    if dtype.name == "DT_BOOL":
        _check_bools(content)
    flat = np.frombuffer(content, stored)
    return of_bfloat16(flat) if of_bits else flat


def of_bfloat16(bits: np.ndarray) -> np.ndarray:
    """Returns the numbers, in float32, whose upper halves are given."""
    return (bits.astype("u4") << 16).view("f4")


def to_bfloat16(values: np.ndarray) -> np.ndarray:
    """Returns the bits of float32 numbers rounded to bfloat16."""
    bits = np.ascontiguousarray(values).view("u4")
    upper = bits >> 16
    # To nearest, a tie to even: carries run into the upper half.
    rounded = (bits.astype("u8") + 0x7FFF + (upper & 1)) >> 16
    # A NaN stays one, even if only its lower half made it so.
    nans = np.where(upper & 0x7F, upper, upper | 0x40)
    return np.where(np.isnan(values), nans, rounded).astype("u2")


def _check_bools(content: bytes) -> None:
    largest = np.frombuffer(content, "u1").max()
    if largest > 1:
        raise ValueError(
            f"its tensor_content has a bool of {largest}, not 0 or 1"
        )


def _strings(content: bytes, count: int) -> np.ndarray:
    lengths: list[int] = []
    position = 0
    while len(lengths) < count:
        length, position = _read_varint(content, position)
        lengths.append(length)
    if position + sum(lengths) != len(content):
        raise ValueError(
            f"its tensor_content has {len(content) - position} bytes of "
            f"strings instead of {sum(lengths)}"
        )
    flat = np.empty(count, object)
    for index, length in enumerate(lengths):
        flat[index] = content[position : position + length]
        position += length
    return flat


def _read_varint(content: bytes, position: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 35, 7):
        if position >= len(content):
            break
        byte = content[position]
        position += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, position
    raise ValueError("its tensor_content ends within the strings' lengths")
