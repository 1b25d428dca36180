"""A model's metadata, as far as the client needs it."""

from typing import Any

import numpy as np

from keras_vae_serving import dtypes
from keras_vae_serving.client import failures
from keras_vae_serving.servable import Outputs
from keras_vae_serving.status import Code, ServingError

_CONDITION = "condition"


class Description:
    """The inputs and outputs of one signature.

    Args:
        metadata: What REST answers under `/metadata`.
        signature: The signature's name.

    Raises:
        ServingError: if there is no such signature, or the metadata is not
            as agreed.
    """

    def __init__(self, metadata: Any, signature: str) -> None:
        try:
            known = metadata["metadata"]["signature_def"]["signature_def"]
            found = known.get(signature)
            if found is not None:
                self._inputs: dict[str, Any] = dict(found["inputs"])
                self._outputs: dict[str, Any] = dict(found["outputs"])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise failures.malformed(f"metadata without {error}") from error
        if found is None:
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f'Serving signature name: "{signature}" not found in '
                "signature def",
            )

    @property
    def condition_dim(self) -> int | None:
        """The size of a condition; `None` if the signature takes none."""
        if _CONDITION not in self._inputs:
            return None
        sizes = _sizes(self._inputs[_CONDITION])
        if len(sizes) != 2 or sizes[1] < 1:
            raise failures.malformed(f"conditions have the sizes {sizes}")
        return sizes[1]

    def no_rows(self) -> Outputs:
        """Returns the outputs of a batch without rows."""
        return {name: _empty(info) for name, info in self._outputs.items()}


def _empty(info: Any) -> np.ndarray:
    dtype = dtypes.BY_NAME.get(info.get("dtype"))
    numpy = dtype.numpy if dtype and dtype.numpy else np.dtype("float32")
    # A size that is not fixed is -1.
    inner = (max(size, 0) for size in _sizes(info)[1:])
    return np.zeros((0, *inner), numpy)


def _sizes(info: Any) -> list[int]:
    try:
        dims = info["tensor_shape"].get("dim", [])
        return [int(dim["size"]) for dim in dims]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise failures.malformed(f"a shape without {error}") from error
