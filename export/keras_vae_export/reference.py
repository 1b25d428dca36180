"""What the live model computes: the answers that files must repeat."""

import pathlib
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_vae.random import threefry
from keras_vae_export.errors import ExportError
from keras_vae_export.functions import forms_of, numpy_noise
from keras_vae_export.precision import is_float32
from keras_vae_export.signatures import Signature, signatures_of

REFERENCE_FILE = "assets.extra/reference.npz"
SEED = 0
NUM_SAMPLES = 16
# Those whose bits are published, the ends of int64, and others.
_SEEDS = (0, 7, -1, 2**63 - 1, -(2**63), 12345678901234, 2**32, *range(1, 10))

Arrays = dict[str, Any]  # NumPy arrays, and scalars, by name


class Reference(NamedTuple):
    """By signature, inputs by name and what the live model makes of them."""

    inputs: dict[str, Arrays]  # (NUM_SAMPLES, ...), or scalars
    outputs: dict[str, Arrays]  # (NUM_SAMPLES, ...)
    exact: bool  # the outputs were computed in full float32

    def save(self, path: pathlib.Path) -> None:
        """Writes it to an `.npz` file."""
        sides = {"inputs": self.inputs, "outputs": self.outputs}
        arrays: dict[str, Any] = {
            f"{side}/{signature}/{name}": value
            for side, signatures in sides.items()
            for signature, values in signatures.items()
            for name, value in values.items()
        }
        path.parent.mkdir(exist_ok=True)
        np.savez(path, exact=self.exact, **arrays)

    @classmethod
    def load(cls, path: pathlib.Path) -> "Reference":
        """Reads what `save` wrote."""
        sides: dict[str, dict[str, Arrays]] = {"inputs": {}, "outputs": {}}
        with np.load(path) as file:
            exact = bool(file["exact"])
            for key in file.files:
                if key != "exact":
                    side, signature, name = key.split("/")
                    sides[side].setdefault(signature, {})[name] = file[key]
        return cls(sides["inputs"], sides["outputs"], exact)

    def first(self, signature: str, size: int) -> tuple[Arrays, Arrays]:
        """Returns a signature's first examples: inputs and outputs."""
        inputs = {
            name: value[:size] if value.ndim else value
            for name, value in self.inputs[signature].items()
        }
        if "num_samples" in inputs:
            inputs["num_samples"] = np.array(size, "int32")
        outputs = self.outputs[signature].items()
        return inputs, {name: value[:size] for name, value in outputs}


def make_reference(
    vae: Any, inputs: dict[str, Arrays] | None = None
) -> Reference:
    """Computes what every signature gives, on the model's own backend.

    Args:
        vae: A VAE.
        inputs: By signature, the inputs by name. Defaults to latents of the
            seeded stream, seeds, and x drawn from p(x|z).

    Raises:
        ExportError: if the model's answers are not finite.
    """
    forms, signatures = forms_of(vae), signatures_of(vae)
    if inputs is None:
        values = _values(vae)
        inputs = {name: _inputs_of(signatures[name], values) for name in forms}
    outputs, exact = {}, is_float32(vae)
    for name, form in forms.items():
        noise, rest = numpy_noise(form, inputs[name])
        tensors = {
            key: ops.convert_to_tensor(value)
            for key, value in {**noise, **rest}.items()
        }
        found = form.core(**tensors)
        exact = exact and all(map(_is_on_cpu, found.values()))
        outputs[name] = {
            key: _checked(vae, name, key, value) for key, value in found.items()
        }
    return Reference(inputs, outputs, exact)


def _values(vae: Any) -> Arrays:
    """Returns a value for each name of an input."""
    z = threefry.normals(NUM_SAMPLES, vae.latent_dim, SEED)
    halves = 1.0 - 0.5 * (np.arange(NUM_SAMPLES) % 2)
    values = {
        "z": z,
        "seed": np.array(_SEEDS, "int64"),
        "temperature": halves.astype("float32"),
        "num_samples": np.array(NUM_SAMPLES, "int32"),
    }
    condition = None
    if vae.condition_dim is not None:
        condition = threefry.normals(NUM_SAMPLES, vae.condition_dim, SEED + 1)
        values["condition"] = condition
    x = vae.decode(z, condition).sample(seed=SEED)
    values["x"] = np.asarray(ops.convert_to_numpy(x), dtype="float32")
    return values


def _inputs_of(signature: Signature, values: Arrays) -> Arrays:
    """Takes a signature's inputs; the first where it wants a scalar."""
    return {
        spec.name: values[spec.name]
        if spec.shape
        else np.asarray(values[spec.name]).reshape(-1)[:1].reshape(())
        for spec in signature.inputs
    }


def _checked(vae: Any, signature: str, name: str, value: Any) -> np.ndarray:
    array = np.asarray(ops.convert_to_numpy(value), dtype="float32")
    if not np.isfinite(array).all():
        raise ExportError(
            f"The model {vae.name!r} gives values of `{name}` that are not "
            f"finite, in `{signature}`. Look for NaN in its weights, and "
            "train it again."
        )
    return array


def _is_on_cpu(tensor: Any) -> bool:
    """Whether a tensor lies on a CPU: accelerators round float32 products.

    The tensors of all three backends have a device, whose name tells.
    """
    return "cpu" in str(getattr(tensor, "device", "")).lower()
