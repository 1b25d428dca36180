"""The signatures of an exported model, and the file that holds each."""

import pathlib
from typing import Any, NamedTuple

import keras

FORMATS = ("tf_saved_model", "onnx")  # Written if no others are named.
ALL_FORMATS = (*FORMATS, "litert", "openvino")
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
SUFFIXES = {"onnx": ".onnx", "litert": ".tflite", "openvino": ".xml"}
SEEDED = ("generate", "generate_rows", "generate_png", "score")
NO_SEEDS = {
    "litert": "LiteRT does not have the unsigned and float64 arithmetic of "
    "seeded noise",
    "openvino": "OpenVINO computes the 64-bit arithmetic of seeded noise "
    "wrongly and reports no error",
}
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
        "generate_png": (rows, (image,)),
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
    left_out: tuple[str, ...] = ()
    if format != "tf_saved_model":
        left_out = SAVED_MODEL_ONLY
    if format in NO_SEEDS:
        left_out = SEEDED
    if format == "litert":
        left_out = (*SEEDED, "encode", "reconstruct")
    return {
        name: one for name, one in signatures.items() if name not in left_out
    }


def path_of(signature: str, format: str) -> str:
    """Returns the path of a signature's own file in the version directory."""
    return f"{format}/{signature}{SUFFIXES[format]}"


def onnx_path(signature: str) -> str:
    """Returns the path of a signature's file in the version directory."""
    return path_of(signature, "onnx")


def files_of(signature: str, formats: tuple[str, ...]) -> dict[str, str]:
    """Returns the file that holds a signature in each format."""
    return {
        name: path_of(signature, name) if name in SUFFIXES else SAVED_MODEL_FILE
        for name in formats
        if in_format({signature: None}, name)
    }


def parts_at(path: pathlib.Path, format: str) -> list[pathlib.Path]:
    """Returns what stands for one path: itself, last, and what it needs."""
    if format == "openvino":
        return [path.with_suffix(".bin"), path]
    return [path]
