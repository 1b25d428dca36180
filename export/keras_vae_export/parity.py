"""The proof that an exported file computes what the model computes."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from keras_vae_export.errors import ParityError, cause_of
from keras_vae_export.reference import NUM_SAMPLES, Arrays, Reference

TOLERANCE = 1e-5
# For a live model that rounds its products (half precision, accelerators):
# such a difference tells only that it is the same model.
REDUCED_PRECISION_TOLERANCE = 0.1
BATCH_SIZES = (0, 1, 3, NUM_SAMPLES)

Call = Callable[..., Arrays]  # of arrays by name


def limit(value: np.ndarray, tolerance: float = TOLERANCE) -> float:
    """Returns the largest difference from `value` that passes.

    It is the tolerance, times the largest magnitude where that is above 1:
    float32 has no more digits.
    """
    return tolerance * max(1.0, float(np.abs(value).max(initial=0.0)))


def limits(reference: Reference) -> dict[str, dict[str, float]]:
    """Returns the limit of every output, by signature."""
    return {
        signature: {name: limit(value) for name, value in outputs.items()}
        for signature, outputs in reference.outputs.items()
    }


def check_model(loaded: Reference, live: Reference) -> float:
    """Compares the model that was loaded back with the live one.

    Args:
        loaded: What the loaded model computes of the live one's inputs.
        live: What the live model computes.

    Returns:
        The largest absolute difference of x in `decode`.

    Raises:
        ParityError: if one is too large.
    """
    exact = live.exact
    names = list(live.outputs) if exact else ["decode"]
    tolerance = TOLERANCE if exact else REDUCED_PRECISION_TOLERANCE
    for signature in names:
        for name, value in live.outputs[signature].items():
            found = difference(loaded.outputs[signature][name], value)
            largest = limit(value, tolerance)
            if not found <= largest:
                raise ParityError(
                    "The model does not compute the same when it is loaded "
                    f"back from its `.keras` file: `{name}` of `{signature}` "
                    f"differs by {found:.3g}, above the limit of "
                    f"{largest:.3g}. Look for a layer that is random at "
                    "inference, or that loses an argument in `get_config`."
                )
    return difference(
        loaded.outputs["decode"]["x"], live.outputs["decode"]["x"]
    )


def check_file(
    path: str,
    runtime: str,
    call: Call,
    signature: str,
    reference: Reference,
    batch_sizes: Iterable[int] = BATCH_SIZES,
) -> float:
    """Compares a signature of a file with the reference, at several sizes.

    Args:
        path: The file, for the message.
        runtime: What runs it, for the message.
        call: Runs it: arrays by name to arrays by name.
        signature: Its name.
        reference: What it must repeat.
        batch_sizes: How many examples to pass at once, in turn.

    Returns:
        The largest absolute difference.

    Raises:
        ParityError: if it is too large, or a batch fails.
    """
    largest = limits(reference)[signature]
    worst = 0.0
    for size in batch_sizes:
        inputs, expected = reference.first(signature, size)
        outputs = run(path, runtime, call, inputs, size)
        for name, value in expected.items():
            found = difference(outputs[name], value)
            if not found <= largest[name]:
                raise ParityError(
                    f"`{path}` does not compute what the model computes: in "
                    f"{runtime}, on a batch of {size}, `{name}` of "
                    f"`{signature}` differs by {found:.3g}, above the limit "
                    f"of {largest[name]:.3g}. Look for a layer that is "
                    "random at inference."
                )
            worst = max(worst, found)
    return worst


def run(
    path: str, runtime: str, call: Call, inputs: Arrays, size: int
) -> dict[str, Any]:
    """Runs a file on a batch.

    Raises:
        ParityError: if it fails.
    """
    try:
        return call(**inputs)
    except Exception as error:
        raise ParityError(
            f"`{path}` fails in {runtime} on a batch of {size}: "
            f"{cause_of(error)}"
        ) from error


def difference(value: np.ndarray, expected: np.ndarray) -> float:
    """Returns the largest |value - expected|.

    It is infinite if shapes or dtypes differ.
    """
    value = np.asarray(value)
    if value.shape != expected.shape or value.dtype != expected.dtype:
        return float("inf")
    return float(np.abs(value - expected).max(initial=0.0))
