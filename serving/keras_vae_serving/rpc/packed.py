"""Repeated numbers in their form on the wire, written many at once.

Protocol buffers' own `extend` takes a Python object for each number.
"""

import numpy as np

_LENGTH_DELIMITED = 2
_CHUNK = 65_536  # bounds what `_varints` needs beside its result


def field(number: int, values: np.ndarray) -> bytes:
    """Returns a packed field: `message.MergeFromString` adds its values.

    Args:
        number: The field's.
        values: A vector: floats for a field of floats; else integers or
            bools.
    """
    if values.dtype.kind == "f":
        data = values.astype(values.dtype.newbyteorder("<"), copy=False)
        written = data.tobytes()
    else:
        # A negative number stands there as if it had 64 bits.
        unsigned = values.astype("i8" if values.dtype.kind == "i" else "u8")
        written = _varints(unsigned.view("u8"))
    key = number << 3 | _LENGTH_DELIMITED
    return varint(key) + varint(len(written)) + written


def varint(number: int) -> bytes:
    """Returns a number of zero or more in groups of 7 bits, lowest first."""
    written = bytearray()
    while number >= 128:
        written.append(number & 127 | 128)
        number >>= 7
    written.append(number)
    return bytes(written)


def _varints(values: np.ndarray) -> bytes:
    chunks = range(0, len(values), _CHUNK)
    return b"".join(_chunk(values[at : at + _CHUNK]) for at in chunks)


def _chunk(values: np.ndarray) -> bytes:
    groups = max(1, -(-int(values.max()).bit_length() // 7))
    written = np.empty((len(values), groups), "u1")
    used = np.empty(written.shape, bool)
    used[:, 0] = True
    for group in range(groups):
        written[:, group] = values & np.uint64(127)
        values = values >> np.uint64(7)
        if group + 1 < groups:
            # All but a number's last group have the upper bit.
            used[:, group + 1] = values != 0
            written[:, group] |= used[:, group + 1].view("u1") << 7
    return written[used].tobytes()
