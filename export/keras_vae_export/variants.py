"""Smaller and faster forms of the ONNX files, by name.

`"folded"`: constants folded and neighbours fused, for runtimes that do not do
    it themselves as onnxruntime does. It is held to the common limit, 1e-5.
`"float16"`: half the size. On a CPU it is slower; it is made for processors
    with float16 arithmetic. Its difference is measured with every value
    rounded to float16.
`"int8"`: weights in 8 bits, activations in 8 bits with one scale for a whole
    batch. So a row depends a little on the rows beside it (the manifest says
    how much: `batch_difference`), and `generate_rows` is no longer exactly
    `generate(1, seed)`. ConvTranspose stays in float32, and the manifest
    lists what does.

A variant has the inputs and outputs of the float32 file, and the same z to
the bit: what gives z is never converted. `score` has no variants: a
log-likelihood is summed over all of x and stays in full float32.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from keras_vae_export import float16, folded, int8
from keras_vae_export.errors import ExportError
from keras_vae_export.latent_part import after_latents
from keras_vae_export.operations import Counts
from keras_vae_export.signatures import onnx_path

VARIANTS = ("folded", "float16", "int8")
MAX_DIFFERENCE = 0.1  # From the float32 file; users may choose another.
EXACT = ("folded",)  # Held to the limit of the float32 files.
FLOAT32_ONLY = ("score",)

_CHANGES: dict[str, Callable[[Any], Any]] = {
    "folded": folded.change,
    "float16": float16.change,
    "int8": int8.change,
}
_COUNTS: dict[str, Callable[[Any, Any], Counts]] = {
    "folded": folded.counts,
    "float16": float16.counts,
    "int8": int8.counts,
}
_CONVERTIBLE = {
    "float16": "It has no operation on floating-point values after z.",
    "int8": "It takes MatMul, Gemm and Conv after z with constant weights of "
    f"at least {int8.MIN_VALUES} values; ConvTranspose has no integer form "
    "in ONNX.",
}


class Variant(NamedTuple):
    """A core graph in another form."""

    core: Any  # onnx.ModelProto
    counts: Counts  # of its operations
    remark: str  # what may make it differ much: a sentence and a space, or ""


def variant_path(variant: str, signature: str) -> str:
    """Returns the path of a variant's file in the version directory."""
    folder, name = onnx_path(signature).split("/")
    return f"{folder}/{variant}/{name}"


def variants_of(signature: str, variants: Iterable[str]) -> list[str]:
    """Leaves out the variants that a signature does not have."""
    return [] if signature in FLOAT32_ONLY else list(variants)


def make_variant(variant: str, signature: str, core: Any) -> Variant:
    """Changes a core graph.

    Args:
        variant: One of `VARIANTS`.
        signature: Its name, for the message.
        core: `onnx.ModelProto`, which is left alone.

    Raises:
        ExportError: if nothing in it can be converted.
    """
    changed = after_latents(core, _CHANGES[variant])
    counts = _COUNTS[variant](core, changed)
    if variant not in EXACT and not counts.converted:
        raise ExportError(
            f"`{variant_path(variant, signature)}` would be a float32 file "
            f"under another name: nothing in it converts to {variant}. It "
            f"holds {counts.kept_in_float32}. {_CONVERTIBLE[variant]} Leave "
            f"{variant!r} out of `variants`."
        )
    remark = float16.remark(core) if variant == "float16" else ""
    return Variant(changed, counts, remark)
