"""Levels of [0, 1] and whole numbers: which values lie on the grid."""

import numpy as np

# A level that was rounded to float16 is a sixteenth of a step away at most.
_TOLERANCE = 0.1
# The largest count up to which float32 holds every whole number.
LARGEST_COUNT = 2**24


def off_grid(
    x: np.ndarray, num_levels: int, unit_interval: bool = True
) -> np.ndarray:
    """Marks the values that are none of the levels.

    Args:
        x: Array of numbers.
        num_levels: Integer, at least 2.
        unit_interval: Boolean, whether level k is `k / (num_levels - 1)`, or
            else k itself.
    """
    top = num_levels - 1
    levels = np.asarray(x, dtype="float64")
    levels = levels * top if unit_interval else levels
    with np.errstate(invalid="ignore"):
        wrong = np.abs(levels - np.round(levels)) > _TOLERANCE
        return wrong | (levels < -_TOLERANCE) | (levels > top + _TOLERANCE)


def off_counts(x: np.ndarray) -> np.ndarray:
    """Marks the values that are no counts, or too large for float32."""
    if x.dtype.kind in "ub":
        return x > LARGEST_COUNT
    return (x != np.round(x)) | (x < 0) | (x > LARGEST_COUNT)
