"""The proof that an exported file computes what the model computes."""

from collections.abc import Callable, Iterable

import numpy as np

from keras_vae_export.errors import ParityError, cause_of
from keras_vae_export.reference import NUM_SAMPLES, Reference

TOLERANCE = 1e-5
# For a live model that rounds its products (half precision, accelerators):
# such a difference tells only that it is the same model.
REDUCED_PRECISION_TOLERANCE = 0.1
BATCH_SIZES = (0, 1, 3, NUM_SAMPLES)

Decode = Callable[..., np.ndarray]  # of arrays by name: z, condition


def limit(x: np.ndarray, tolerance: float = TOLERANCE) -> float:
    """Returns the largest difference from `x` that passes.

    It is the tolerance, times the largest |x| where that is above 1: float32
    has no more digits.
    """
    return tolerance * max(1.0, float(np.abs(x).max()))


def check_model(decode: Decode, reference: Reference) -> float:
    """Compares the model that was loaded back with the live one.

    Returns:
        The largest absolute difference.

    Raises:
        ParityError: if it is too large.
    """
    reduced = REDUCED_PRECISION_TOLERANCE
    tolerance = TOLERANCE if reference.exact else reduced
    largest = limit(reference.x, tolerance)
    found = difference(decode(**reference.inputs), reference.x)
    if not found <= largest:
        raise ParityError(
            "The model does not compute the same when it is loaded back from "
            f"its `.keras` file: x differs by {found:.3g}, above the limit of "
            f"{largest:.3g}. Look for a layer that is random at inference, or "
            "that loses an argument in `get_config`."
        )
    return found


def check_file(
    path: str,
    runtime: str,
    decode: Decode,
    reference: Reference,
    batch_sizes: Iterable[int] = BATCH_SIZES,
) -> float:
    """Compares a file with the reference, at several batch sizes.

    Args:
        path: The file, for the message.
        runtime: What runs it, for the message.
        decode: Runs it: latents, and conditions, by name to x.
        reference: What it must repeat.
        batch_sizes: How many latents to decode at once, in turn.

    Returns:
        The largest absolute difference.

    Raises:
        ParityError: if it is too large, or a batch fails.
    """
    largest = limit(reference.x)
    worst = 0.0
    for size in batch_sizes:
        try:
            x = decode(**reference.first(size))
        except Exception as error:
            raise ParityError(
                f"`{path}` fails in {runtime} on a batch of {size}: "
                f"{cause_of(error)}"
            ) from error
        found = difference(x, reference.x[:size])
        if not found <= largest:
            raise ParityError(
                f"`{path}` does not compute what the model computes: in "
                f"{runtime}, on a batch of {size}, x differs by {found:.3g}, "
                f"above the limit of {largest:.3g}. Nothing was published. "
                "Look for a layer of the decoder that is random at inference."
            )
        worst = max(worst, found)
    return worst


def difference(x: np.ndarray, expected: np.ndarray) -> float:
    """Returns max |x - expected|: infinite if shapes or dtypes differ."""
    if x.shape != expected.shape or x.dtype != expected.dtype:
        return float("inf")
    return float(np.abs(x - expected).max(initial=0.0))
