"""Arrays that stay on the device while `fit` trains on them.

Keras then shuffles and batches their indices, and each step gathers its
examples on the device: no batch is copied to it.
"""

import concurrent.futures
import os
from typing import Any

import numpy as np
from keras import ops

from keras_vae.trainers import data as data_checks
from keras_vae.types import Tensor

_LIMIT = 2**30  # Bytes. Beside the array, a copy of it comes to memory.
_ALIGNMENT = 64  # Bytes: of memory that TensorFlow and JAX take as it is.
_COPYING_THREADS = min(4, os.cpu_count() or 1)


class Resident:
    """The arrays of one `fit`, by what they are for, until it ends.

    Attributes:
        training: Tensor `(num_examples, *event_shape)` or `None`.
        validation: The same, of the validation data.
    """

    def __init__(self) -> None:
        self.training: Tensor | None = None
        self.validation: Tensor | None = None

    def __enter__(self) -> "Resident":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.training = self.validation = None


def fits(x: Any, limit: int = _LIMIT) -> bool:
    """Whether `x` is a NumPy array that may be kept on the device."""
    return isinstance(x, np.ndarray) and x.nbytes <= limit


def on_device(x: np.ndarray) -> Tensor:
    """Returns the array as Keras would pass its batches to a step."""
    return ops.convert_to_tensor(x.astype(_kept_dtype(x), copy=False))


def aligned(x: np.ndarray) -> np.ndarray:
    """Returns a copy for `on_device` that TensorFlow and JAX can take as it is.

    NumPy asks for huge pages, they do not: their own copy of 190 MB took a
    fifth of a second, and TensorFlow's twice that in a long process. Where the
    system has to find the memory first, that is most of the time, and a second
    thread takes half of it.
    """
    dtype = _kept_dtype(x)
    room = np.empty(x.size * dtype.itemsize + _ALIGNMENT, "uint8")
    start = -room.ctypes.data % _ALIGNMENT
    flat = room[start : start + x.size * dtype.itemsize].view(dtype)
    copy = flat.reshape(x.shape)
    ours, theirs = (np.array_split(a, _COPYING_THREADS) for a in (copy, x))
    with concurrent.futures.ThreadPoolExecutor(_COPYING_THREADS) as pool:
        list(pool.map(np.copyto, ours, theirs))  # Or raises what one raised.
    return copy


def _kept_dtype(x: np.ndarray) -> np.dtype:
    return np.dtype("float32") if x.dtype.kind == "f" else x.dtype


def indices_of(x: np.ndarray) -> np.ndarray:
    """Returns what stands for the examples: their numbers, int32."""
    return np.arange(len(x), dtype="int32")


def gathered(data: Any, examples: Tensor | None, take: Any) -> Any:
    """Returns a batch with its examples in the place of their numbers.

    Args:
        data: `x`, `(x, y)` or `(x, y, sample_weight)`, whose `x` are
            indices `(batch,)` where there are examples to gather from.
        examples: Tensor `(num_examples, *event_shape)`, or `None`.
        take: The backend's function of examples and indices.
    """
    if examples is None:
        return data
    x, *rest = data_checks.unpack(data)
    return take(examples, x), *(part for part in rest if part is not None)
