"""What is asked of a request's inputs before anything runs."""

import dataclasses
import math
from collections.abc import Iterable

import numpy as np

from keras_vae_serving.servable import Arrays, Signature, TensorInfo
from keras_vae_serving.status import invalid

_COUNT = "num_samples"


@dataclasses.dataclass(frozen=True)
class InputLimits:
    """How much one request may ask for.

    Attributes:
        max_num_samples: The most images of one `generate`.
        max_rows: The most rows of any other input.
        max_answer_bytes: The most that the arrays of an answer may take. As
            JSON they take about three times as much.
    """

    max_num_samples: int = 10_000
    max_rows: int = 10_000
    max_answer_bytes: int = 256 * 2**20


def check_inputs(
    signature: Signature, inputs: Arrays, limits: InputLimits
) -> None:
    """Raises unless inputs have their shapes and keep to the limits.

    TensorFlow Serving leaves shapes to the graph; here they are checked
    before a batch is made of them.

    Args:
        signature: What shall be computed.
        inputs: Every input by name, of the signature's dtypes.
        limits: How much may be asked for.

    Raises:
        ServingError: INVALID_ARGUMENT, if not.
    """
    num_rows = 1
    for name, info in signature.inputs.items():
        value = inputs[name]
        _check_shape(name, info, value)
        if value.ndim and len(value) > limits.max_rows:
            raise invalid(
                f"Input {name} has {len(value)} rows; this server takes at "
                f"most {limits.max_rows}"
            )
        if value.ndim:
            num_rows = max(num_rows, len(value))
    if _COUNT in signature.inputs:
        count = int(inputs[_COUNT])
        if not 0 <= count <= limits.max_num_samples:
            raise invalid(
                f"{_COUNT} must be between 0 and {limits.max_num_samples}. "
                f"Received: {count}"
            )
        num_rows = max(num_rows, count)
    _check_answer(signature, num_rows, limits.max_answer_bytes)


def _check_answer(signature: Signature, num_rows: int, max_bytes: int) -> None:
    size = num_rows * sum(map(_bytes_of_row, signature.outputs.values()))
    if size > max_bytes:
        raise invalid(
            f"The answer would have {size} bytes, for {num_rows} rows; this "
            f"server gives at most {max_bytes}: ask for fewer at once"
        )


def _bytes_of_row(info: TensorInfo) -> int:
    """What a row of an output takes; sizes that are not known count as 1."""
    item = info.dtype.numpy.itemsize if info.dtype.numpy else 4
    return item * math.prod(size or 1 for size in (info.shape or ())[1:])


def _check_shape(name: str, info: TensorInfo, value: np.ndarray) -> None:
    if info.shape is None:
        return
    fits = len(info.shape) == value.ndim and all(
        wanted in (None, found)
        for wanted, found in zip(info.shape, value.shape, strict=True)
    )
    if not fits:
        raise invalid(
            f"Input {name} must have shape {_shown(info.shape)}. Received: "
            f"{_shown(value.shape)}"
        )


def _shown(shape: Iterable[int | None]) -> str:
    sizes = ("-1" if size is None else str(size) for size in shape)
    return f"[{','.join(sizes)}]"
