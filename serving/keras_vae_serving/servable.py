"""What can be served: one version of a model, and its signatures."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np

from keras_vae_serving.dtypes import DataType

DEFAULT_SIGNATURE = "serving_default"

Arrays = Mapping[str, np.ndarray]
Outputs = dict[str, np.ndarray]


class TensorInfo(NamedTuple):
    """One input or output of a signature.

    Attributes:
        dtype: Its data type.
        shape: Its sizes, `None` where a size is not fixed; `None` for a
            tensor of unknown rank.
        name: In the graph, e.g. "decode_z:0"; metadata gives it.
    """

    dtype: DataType
    shape: tuple[int | None, ...] | None
    name: str


class Signature(NamedTuple):
    """One function of a servable: inputs and outputs by name."""

    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]

    @property
    def is_batchable(self) -> bool:
        """Whether rows of several requests may run together.

        So it is where the first axis of every input and output is a batch's.
        """
        tensors = (*self.inputs.values(), *self.outputs.values())
        return all(one.shape and one.shape[0] is None for one in tensors)


class Servable(Protocol):
    """One version of a model, loaded.

    `run` may be called from several threads at once.

    Attributes:
        name: The model's.
        version: Its number.
        signatures: By name; `serving_default` is one of them.
    """

    name: str
    version: int
    signatures: Mapping[str, Signature]

    def run(self, signature: str, inputs: Arrays) -> Outputs:
        """Computes a signature; blocks until it is done.

        Args:
            signature: Its name.
            inputs: Every input by name, of the signature's dtypes.

        Raises:
            ServingError: if the graph refuses its inputs.
        """

    def close(self) -> None:
        """Frees what it holds; no call of `run` follows."""
