"""Arrays that stay on the device while `fit` trains on them.

Keras then shuffles and batches their indices, and each step gathers its
examples on the device: no batch is copied to it.
"""

from typing import Any

import numpy as np
from keras import ops

from keras_vae.trainers import data as data_checks
from keras_vae.types import Tensor

_LIMIT = 2**30  # Bytes. Beside the array, a copy of it comes to memory.


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
    if x.dtype.kind == "f":
        x = x.astype("float32", copy=False)
    return ops.convert_to_tensor(x)


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
