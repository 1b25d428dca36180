"""Whether two runtimes compute the same."""

import io

import numpy as np

from keras_vae_serving.checkup.examples import Arrays

TOLERANCE = 1e-5
MAX_LEVELS = 1  # Of grey, between PNGs of the same image.


def differences(found: Arrays, expected: Arrays) -> dict[str, float]:
    """Compares outputs, by name.

    Args:
        found: What one runtime computed.
        expected: What the other did; what either lacks is left out.

    Returns:
        For numbers, the largest difference, in relation to the largest
        expected value where that is above 1; infinite where shapes differ,
        or one value is not a number and the other is. For PNGs, the same
        with the number of grey levels instead of 1, so that 1 level is at
        the tolerance.
    """
    return {
        name: _difference(found[name], expected[name])
        for name in expected
        if name in found
    }


def _difference(found: np.ndarray, expected: np.ndarray) -> float:
    if found.shape != expected.shape:
        return float("inf")
    if expected.dtype.kind in "SO":
        return _of_images(found, expected)
    different = ~((found == expected) | (np.isnan(found) & np.isnan(expected)))
    if not different.any():
        return 0.0
    x, y = (np.asarray(one, "float64")[different] for one in (found, expected))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return float("inf")
    finite = np.abs(expected[np.isfinite(expected)])
    return float(np.abs(x - y).max() / max(1.0, finite.max(initial=0.0)))


def _of_images(found: np.ndarray, expected: np.ndarray) -> float:
    """Compares PNG files by their pixels: encoders differ in their bytes."""
    levels = 0
    for one, other in zip(found.flat, expected.flat, strict=True):
        if one == other:
            continue
        x, y = _pixels(one), _pixels(other)
        if x is None or y is None or x.shape != y.shape:
            return float("inf")
        levels = max(levels, int(np.abs(x - y).max()))
    return levels / MAX_LEVELS * TOLERANCE


def _pixels(content: bytes) -> np.ndarray | None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            return np.asarray(image, "int16")
    except (UnidentifiedImageError, OSError):
        return None
