"""The signatures of an exported model, and the file that holds each."""

from typing import Any, NamedTuple

import keras

FORMATS = ("tf_saved_model", "onnx")
SIGNATURES = (
    "decode",
    "generate",
    "generate_rows",
    "generate_png",
    "encode",
    "reconstruct",
    "score",
)
DEFAULT_SIGNATURE = "decode"  # TensorFlow Serving's `serving_default` too.
SAVED_MODEL_ONLY = ("generate_png",)
SAVED_MODEL_FILE = "saved_model.pb"
BATCH = "N"  # The batch axis, of a size that is not fixed.
_PNG_CHANNELS = (1, 3, 4)  # Grey, RGB, RGB with alpha.


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
    z = TensorSpec("z", "float32", (BATCH, vae.latent_dim))
    x = TensorSpec("x", "float32", (BATCH, *vae.event_shape))
    seeds = TensorSpec("seed", "int64", (BATCH,))
    rows = (seeds, TensorSpec("temperature", "float32", (BATCH,)))
    scalars = (
        TensorSpec("num_samples", "int32", ()),
        TensorSpec("seed", "int64", ()),
        TensorSpec("temperature", "float32", ()),
    )
    image = TensorSpec("image_bytes", "string", (BATCH,))
    elbo = TensorSpec("elbo", "float32", (BATCH,))
    # An ONNX graph cannot give an output the name of an input.
    reconstruction = x._replace(name="reconstruction")
    forms = {
        "decode": ((z,), (x,)),
        "generate": (scalars, (x, z)),
        "generate_rows": (rows, (x, z)),
        "generate_png": ((seeds,), (image,)),
        "encode": ((x,), _posterior_specs(vae)),
        "reconstruct": ((x,), (reconstruction,)),
        "score": ((x, seeds), (elbo,)),
    }
    if not is_image_model(vae):
        del forms["generate_png"]
    condition: tuple[TensorSpec, ...] = ()
    if vae.condition_dim is not None:
        shape = (BATCH, vae.condition_dim)
        condition = (TensorSpec("condition", "float32", shape),)
    return {
        name: Signature(name, (*inputs, *condition), outputs)
        for name, (inputs, outputs) in forms.items()
    }


def is_image_model(vae: Any) -> bool:
    """Whether an x can be drawn as a PNG: height, width and channels."""
    shape = vae.event_shape
    return len(shape) == 3 and shape[-1] in _PNG_CHANNELS


def _posterior_specs(vae: Any) -> tuple[TensorSpec, ...]:
    """`loc`, the representative point, then the parameters by name."""
    x = keras.KerasTensor((None, *vae.event_shape), dtype="float32")
    condition = None
    if vae.condition_dim is not None:
        shape = (None, vae.condition_dim)
        condition = keras.KerasTensor(shape, dtype="float32")
    parameters = vae.posterior_parameters(x, condition)
    loc = TensorSpec("loc", "float32", (BATCH, vae.latent_dim))
    others = [
        TensorSpec(name, "float32", (BATCH, *value.shape[1:]))
        for name, value in parameters.items()
        if name != "loc"
    ]
    return (loc, *others)


def in_format(signatures: dict[str, Any], format: str) -> dict[str, Any]:
    """Leaves out the signatures that a format does not have."""
    if format == "tf_saved_model":
        return signatures
    return {
        name: one
        for name, one in signatures.items()
        if name not in SAVED_MODEL_ONLY
    }


def onnx_path(signature: str) -> str:
    """Returns the path of a signature's file in the version directory."""
    return f"onnx/{signature}.onnx"


def files_of(signature: str, formats: tuple[str, ...]) -> dict[str, str]:
    """Returns the file that holds a signature in each format."""
    files = {"tf_saved_model": SAVED_MODEL_FILE}
    if signature not in SAVED_MODEL_ONLY:
        files["onnx"] = onnx_path(signature)
    return {name: files[name] for name in formats if name in files}
