"""What the live model computes: the answers that files must repeat."""

import pathlib
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_vae.random import threefry
from keras_vae_export.errors import ExportError
from keras_vae_export.precision import is_float32

SEED = 0
NUM_SAMPLES = 16


class Reference(NamedTuple):
    """Latents and what the live model decodes them to."""

    z: np.ndarray  # (NUM_SAMPLES, latent_dim), the seeded stream's
    x: np.ndarray  # (NUM_SAMPLES, *event_shape), float32
    exact: bool  # x was computed in full float32

    def save(self, path: pathlib.Path) -> None:
        """Writes it to an `.npz` file."""
        np.savez(path, z=self.z, x=self.x, exact=self.exact)

    @classmethod
    def load(cls, path: pathlib.Path) -> "Reference":
        """Reads what `save` wrote."""
        with np.load(path) as file:
            return cls(file["z"], file["x"], bool(file["exact"]))


def make_reference(vae: Any) -> Reference:
    """Decodes a batch of latents with the live model on its own backend.

    Raises:
        ExportError: if the model's answers are not finite.
    """
    z = threefry.normals(NUM_SAMPLES, vae.latent_dim, SEED)
    outputs = vae.generator(ops.convert_to_tensor(z), training=False)
    exact = _is_on_cpu(outputs) and is_float32(vae)
    x = np.asarray(ops.convert_to_numpy(outputs), dtype="float32")
    if not np.isfinite(x).all():
        raise ExportError(
            f"The model {vae.name!r} decodes latents to values that are not "
            "finite. Look for NaN in its weights, and train it again."
        )
    return Reference(z, x, exact)


def _is_on_cpu(tensor: Any) -> bool:
    """Whether a tensor lies on a CPU: accelerators round float32 products.

    The tensors of all three backends have a device, whose name tells.
    """
    return "cpu" in str(getattr(tensor, "device", "")).lower()
