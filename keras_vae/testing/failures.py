"""How a check fails: with what was got, what was expected and where."""

from typing import Any

import keras
import numpy as np

from keras_vae.types import Tensor


def check(condition: Any, message: str) -> None:
    """Raises an `AssertionError` with `message` unless `condition` holds."""
    if not condition:
        raise AssertionError(message)


def check_equal(name: str, received: Any, expected: Any) -> None:
    """Raises an `AssertionError` that shows both unless they are equal."""
    check(
        received == expected,
        f"{name} must be {expected!r}. Received: {received!r}.",
    )


def check_close(
    name: str,
    received: Any,
    expected: Any,
    absolute: float = 1e-6,
    relative: float = 0.0,
) -> None:
    """Raises an `AssertionError` that shows the largest difference.

    Args:
        name: What is compared, for the message.
        received: Array or tensor.
        expected: Array or tensor of the same shape.
        absolute: Float, difference that is allowed at least.
        relative: Float, difference that is allowed as a part of `expected`.
    """
    received, expected = to_numpy(received), to_numpy(expected)
    check_equal(f"{name}'s shape", received.shape, expected.shape)
    gap = np.abs(received.astype("float64") - expected.astype("float64"))
    excess = gap - (absolute + relative * np.abs(expected))
    wrong = np.logical_not(excess <= 0)  # True for NaN as well.
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise AssertionError(
            f"{name} must agree within {absolute:g} + {relative:g} * |value|."
            f" Received: {received[place]:g} instead of {expected[place]:g} at "
            f"{place}; {int(wrong.sum())} of {wrong.size} values differ, "
            f"the largest difference is {np.nanmax(gap):g}."
        )


def check_finite(name: str, values: Any) -> None:
    """Raises an `AssertionError` if a value is NaN or infinite."""
    values = to_numpy(values)
    check(
        np.isfinite(values).all(),
        f"{name} must be finite. Received: "
        f"{int((~np.isfinite(values)).sum())} of {values.size} values that "
        "are not.",
    )


def to_numpy(tensor: Tensor) -> np.ndarray:
    """Returns a copy of a tensor as a NumPy array."""
    return np.array(keras.ops.convert_to_numpy(tensor))
