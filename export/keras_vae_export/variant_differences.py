"""How far a variant of a file lies from the float32 file."""

import math
import pathlib
from typing import NamedTuple

import numpy as np

from keras_vae_export import float16, onnx_file, parity
from keras_vae_export.errors import ParityError, step
from keras_vae_export.latent_part import LATENTS
from keras_vae_export.reference import NUM_SAMPLES, Arrays, Reference
from keras_vae_export.signatures import Signature, onnx_path
from keras_vae_export.variants import variant_path


class Pair(NamedTuple):
    """A variant of a file and the float32 file, both loaded on one thread."""

    file: str
    signature: str
    variant: parity.Call
    float32: parity.Call
    rounded: parity.Call | None  # the variant, as other runtimes compute it
    sizes: list[int]  # of batches that are safe to run


class Differences(NamedTuple):
    """Differences of outputs, in relation to the largest value above 1."""

    max_difference: float
    mean_difference: float  # of a full batch
    batch_difference: float  # of a row in a full batch and in a small one


def load(directory: pathlib.Path, name: str, signature: Signature) -> Pair:
    """Loads a variant of a file, and the float32 file.

    Args:
        directory: Holds both.
        name: The variant's name.
        signature: What both compute.

    Raises:
        ExportError: if their inputs and outputs are not the signature's.
    """
    file = variant_path(name, signature.name)
    path, plain_path = directory / file, directory / onnx_path(signature.name)
    with step(f"`{file}` could not be loaded"):
        variant = onnx_file.load(path, signature, file, num_threads=1)
        float32 = onnx_file.load(plain_path, signature, num_threads=1)
        rounded = None
        if name == "float16":
            rounded = float16.load_rounded(path, signature)
        smallest = onnx_file.smallest_batch(path)
    sizes = [size for size in parity.BATCH_SIZES if size >= smallest]
    return Pair(file, signature.name, variant, float32, rounded, sizes)


def compare(pair: Pair, reference: Reference) -> Differences:
    """Compares both files over the reference's inputs.

    Returns:
        The differences, all infinite where a value is not finite; the larger
        ones where there are two ways to compute the variant.

    Raises:
        ParityError: if the latents differ, or the variant fails.
    """
    calls = [call for call in (pair.variant, pair.rounded) if call is not None]
    found = [_differences(pair, call, reference) for call in calls]
    return Differences(*map(max, zip(*found, strict=True)))


def _differences(
    pair: Pair, call: parity.Call, reference: Reference
) -> Differences:
    found, expected = {}, {}
    for size in pair.sizes:
        inputs, _ = reference.first(pair.signature, size)
        expected[size] = pair.float32(**inputs)
        found[size] = parity.run(
            pair.file, onnx_file.RUNTIME, call, inputs, size
        )
        if LATENTS in expected[size]:
            z = found[size].pop(LATENTS)
            _check_latents(pair.file, z, expected[size].pop(LATENTS))
    largest = max(_largest(found[size], expected[size]) for size in pair.sizes)
    if not math.isfinite(largest):
        return Differences(math.inf, math.inf, math.inf)
    full = found[NUM_SAMPLES]
    in_batch = [
        _largest(found[size], {key: x[:size] for key, x in full.items()})
        for size in pair.sizes
    ]
    mean = _mean(full, expected[NUM_SAMPLES])
    return Differences(largest, mean, max(in_batch))


def _check_latents(file: str, z: np.ndarray, expected: np.ndarray) -> None:
    found, limit = parity.difference(z, expected), parity.limit(expected)
    if not found <= limit:
        raise ParityError(
            f"`{file}` draws other latents than the float32 file: `{LATENTS}` "
            f"differs by {found:.3g}, above the limit of {limit:.3g}. Nothing "
            "was published. Leave it out of `variants`."
        )


def _largest(outputs: Arrays, expected: Arrays) -> float:
    """Returns the largest difference of an output; NaN counts as infinite."""
    found = [
        parity.difference(outputs[name], value) / parity.limit(value, 1.0)
        for name, value in expected.items()
    ]
    return max(math.inf if math.isnan(one) else one for one in found)


def _mean(outputs: Arrays, expected: Arrays) -> float:
    """Returns the mean difference of the output where it is the largest."""
    return max(
        float(np.abs(outputs[name] - value).mean()) / parity.limit(value, 1.0)
        for name, value in expected.items()
    )
