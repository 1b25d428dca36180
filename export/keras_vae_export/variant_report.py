"""What a variant of a file gains and loses: size, latency, difference."""

import math
import pathlib
import statistics
import time
from typing import Any

import numpy as np

from keras_vae_export import onnx_file, parity, variant_differences
from keras_vae_export.errors import ParityError
from keras_vae_export.reference import NUM_SAMPLES, Arrays, Reference
from keras_vae_export.signatures import Signature, onnx_path
from keras_vae_export.variant_differences import Pair
from keras_vae_export.variants import EXACT, Variant

LATENCY_BATCHES = (1, 32)
SECONDS = 0.15  # Of measuring at one size of batch, for both files together.
_MIN_ROUNDS, _MAX_ROUNDS = 3, 500


def measure(
    directory: pathlib.Path,
    name: str,
    variant: Variant,
    signature: Signature,
    reference: Reference,
    max_difference: float,
) -> dict[str, Any]:
    """Proves a variant of a file, and measures it beside the float32 file.

    Args:
        directory: Holds both files.
        name: The variant's name.
        variant: What was written.
        signature: What both files compute.
        reference: Gives the inputs.
        max_difference: The largest difference that passes; a variant that
            must be exact is held to the limit of every other file.

    Returns:
        What the manifest says of it.

    Raises:
        ExportError: if its inputs and outputs are not the signature's.
        ParityError: if it differs too much, or fails.
    """
    pair = variant_differences.load(directory, name, signature)
    limit = parity.TOLERANCE if name in EXACT else max_difference
    if name in EXACT:
        _check_exact(pair, reference)
    differences = variant_differences.compare(pair, reference)
    found = differences.max_difference
    if not found <= limit:
        raise ParityError(
            f"`{pair.file}` differs from the float32 file "
            f"{_amount(found)}, above the limit of {limit:.3g}. "
            f"{variant.remark}Nothing was published. {_fix(name, found)}"
        )
    latencies = _latencies(pair, reference)
    return {
        "file": pair.file,
        "size": _size(directory / pair.file),
        "size_of_float32": _size(directory / onnx_path(signature.name)),
        "latency_ms": latencies["variant"],
        "latency_ms_of_float32": latencies["float32"],
        **differences._asdict(),
        "limit": limit,
        **variant.counts._asdict(),
        "batch_sizes": pair.sizes,
    }


def _check_exact(pair: Pair, reference: Reference) -> None:
    """Compares a variant with the model, as every file is compared."""
    parity.check_file(
        pair.file,
        onnx_file.RUNTIME,
        pair.variant,
        pair.signature,
        reference,
        pair.sizes,
    )


def _amount(found: float) -> str:
    if math.isfinite(found):
        return f"by {found:.3g} of the largest value (or of 1)"
    return "in values that are not finite"


def _fix(name: str, found: float) -> str:
    leave = f"Leave {name!r} out of `variants`"
    if not math.isfinite(found):
        return f"{leave}."
    more = f"{1.1 * found:.2g}"
    return (
        f"{leave}, or allow more: `max_difference={more}`, on the command "
        f"line `--max-difference {more}`."
    )


def _size(path: pathlib.Path) -> int:
    return path.stat().st_size


# --- Latencies ----------------------------------------------------------------


def _latencies(pair: Pair, reference: Reference) -> dict[str, dict[str, float]]:
    """Returns medians in milliseconds, by file and size of batch."""
    medians: dict[str, dict[str, float]] = {"variant": {}, "float32": {}}
    for size in LATENCY_BATCHES:
        inputs = _batch(reference.inputs[pair.signature], size)
        times = _times((pair.variant, pair.float32), inputs)
        for name, one in zip(medians, times, strict=True):
            milliseconds = 1e3 * statistics.median(one)
            medians[name][str(size)] = round(milliseconds, 4)
    return medians


def _batch(inputs: Arrays, size: int) -> Arrays:
    """Repeats the rows of a signature's inputs to a batch of a size."""
    rows = np.arange(size) % NUM_SAMPLES
    batch = {k: v[rows] if v.ndim else v for k, v in inputs.items()}
    if "num_samples" in batch:
        batch["num_samples"] = np.array(size, "int32")
    return batch


def _times(calls: tuple[parity.Call, ...], inputs: Arrays) -> list[list[float]]:
    """Runs each in turn, so that what slows the machine slows them alike."""
    for call in calls:
        call(**inputs)  # The first run allocates memory.
    times: list[list[float]] = [[] for _ in calls]
    begin = time.perf_counter()
    for count in range(1, _MAX_ROUNDS + 1):
        for call, taken in zip(calls, times, strict=True):
            start = time.perf_counter()
            call(**inputs)
            taken.append(time.perf_counter() - start)
        if count >= _MIN_ROUNDS and time.perf_counter() - begin > SECONDS:
            break
    return times
