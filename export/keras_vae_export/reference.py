"""What the live model computes: the answers that files must repeat."""

import pathlib
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_vae.random import threefry
from keras_vae_export.errors import ExportError
from keras_vae_export.precision import is_float32
from keras_vae_export.signatures import (
    DEFAULT_SIGNATURE,
    functions_of,
    signatures_of,
)

SEED = 0
NUM_SAMPLES = 16


class Reference(NamedTuple):
    """Latents, and conditions, and what the live model decodes them to."""

    inputs: dict[str, np.ndarray]  # (NUM_SAMPLES, ...) float32, by name
    x: np.ndarray  # (NUM_SAMPLES, *event_shape), float32
    exact: bool  # x was computed in full float32

    def save(self, path: pathlib.Path) -> None:
        """Writes it to an `.npz` file."""
        arrays: dict[str, Any] = {**self.inputs, "x": self.x}
        np.savez(path, exact=self.exact, **arrays)

    @classmethod
    def load(cls, path: pathlib.Path) -> "Reference":
        """Reads what `save` wrote."""
        with np.load(path) as file:
            arrays = dict(file)
        x, exact = arrays.pop("x"), bool(arrays.pop("exact"))
        return cls(arrays, x, exact)

    def first(self, size: int) -> dict[str, np.ndarray]:
        """Returns the inputs of the first examples."""
        return {name: value[:size] for name, value in self.inputs.items()}


def make_reference(vae: Any) -> Reference:
    """Decodes a batch of latents with the live model on its own backend.

    Raises:
        ExportError: if the model's answers are not finite.
    """
    (signature,) = signatures_of(vae).values()
    inputs = {
        spec.name: threefry.normals(NUM_SAMPLES, int(spec.shape[-1]), seed)
        for seed, spec in enumerate(signature.inputs, start=SEED)
    }
    tensors = {k: ops.convert_to_tensor(v) for k, v in inputs.items()}
    outputs = functions_of(vae)[DEFAULT_SIGNATURE](**tensors)["x"]
    exact = _is_on_cpu(outputs) and is_float32(vae)
    x = np.asarray(ops.convert_to_numpy(outputs), dtype="float32")
    if not np.isfinite(x).all():
        raise ExportError(
            f"The model {vae.name!r} decodes latents to values that are not "
            "finite. Look for NaN in its weights, and train it again."
        )
    return Reference(inputs, x, exact)


def _is_on_cpu(tensor: Any) -> bool:
    """Whether a tensor lies on a CPU: accelerators round float32 products.

    The tensors of all three backends have a device, whose name tells.
    """
    return "cpu" in str(getattr(tensor, "device", "")).lower()
