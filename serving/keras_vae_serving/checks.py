"""What is asked of a request's inputs before anything runs."""

import dataclasses
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
    """

    max_num_samples: int = 10_000
    max_rows: int = 10_000


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
    for name, info in signature.inputs.items():
        value = inputs[name]
        _check_shape(name, info, value)
        if value.ndim and len(value) > limits.max_rows:
            raise invalid(
                f"Input {name} has {len(value)} rows; this server takes at "
                f"most {limits.max_rows}"
            )
    if _COUNT in signature.inputs:
        count = int(inputs[_COUNT])
        if not 0 <= count <= limits.max_num_samples:
            raise invalid(
                f"{_COUNT} must be between 0 and {limits.max_num_samples}. "
                f"Received: {count}"
            )


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
