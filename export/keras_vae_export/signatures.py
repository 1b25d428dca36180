"""The signatures of an exported model, and the file that holds each."""

from collections.abc import Callable
from typing import Any, NamedTuple

from keras_vae.types import Tensor

FORMATS = ("tf_saved_model", "onnx")
SIGNATURES = ("decode",)
DEFAULT_SIGNATURE = "decode"  # TensorFlow Serving's `serving_default` too.
SAVED_MODEL_FILE = "saved_model.pb"
BATCH = "N"  # The batch axis, of a size that is not fixed.


class TensorSpec(NamedTuple):
    """One input or output: its name, dtype and shape."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


class Signature(NamedTuple):
    """One function of an exported model.

    Inputs are passed and outputs are returned by name.
    """

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def signatures_of(vae: Any) -> dict[str, Signature]:
    """Returns the signatures that a VAE is exported with, by name."""
    inputs = [TensorSpec("z", "float32", (BATCH, vae.latent_dim))]
    if vae.condition_dim is not None:
        shape = (BATCH, vae.condition_dim)
        inputs.append(TensorSpec("condition", "float32", shape))
    x = TensorSpec("x", "float32", (BATCH, *vae.event_shape))
    return {"decode": Signature("decode", tuple(inputs), outputs=(x,))}


def functions_of(vae: Any) -> dict[str, Callable[..., dict[str, Tensor]]]:
    """Returns the functions behind `signatures_of`, by name."""

    def decode(z: Tensor) -> dict[str, Tensor]:
        return {"x": vae.generator(z, training=False)}

    def decode_given(z: Tensor, condition: Tensor) -> dict[str, Tensor]:
        inputs = {"z": z, "condition": condition}
        return {"x": vae.generator(inputs, training=False)}

    conditional = vae.condition_dim is not None
    return {"decode": decode_given if conditional else decode}


def onnx_path(signature: str) -> str:
    """Returns the path of a signature's file in the version directory."""
    return f"onnx/{signature}.onnx"


def files_of(signature: str, formats: tuple[str, ...]) -> dict[str, str]:
    """Returns the file that holds a signature in each format."""
    files = {"tf_saved_model": SAVED_MODEL_FILE, "onnx": onnx_path(signature)}
    return {name: files[name] for name in formats}
