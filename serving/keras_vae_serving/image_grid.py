"""A grid of images as a picture, drawn without matplotlib.

It shows what `keras-vae generate RUN` draws: as many columns, each pixel as a
square of the same size.
"""

import math

import numpy as np
from PIL import Image

_WHITE = 255
_MARGIN = 12
_GAP = 2
_SMALL = 16  # pixels of the longer side; smaller images get a margin
_SMALLEST_SIDE = 64  # pixels on the screen of an image's longer side


def draw(images: np.ndarray) -> Image.Image:
    """Draws images in a grid, row by row, about as many columns as rows.

    Args:
        images: Array `(num_images, height, width)`, or with 1 or 3 channels
            behind; 0 is black and 1 is white.

    Raises:
        ValueError: if `images` has another shape, is empty or not finite.
    """
    pixels = _as_bytes(images)
    if max(pixels.shape[1:3]) <= _SMALL:
        around = [(0, 0), (1, 1), (1, 1), (0, 0)][: pixels.ndim]
        pixels = np.pad(pixels, around)
    scale = max(1, math.ceil(_SMALLEST_SIDE / max(pixels.shape[1:3])))
    large = pixels.repeat(scale, axis=1).repeat(scale, axis=2)
    canvas = _tile(large, math.ceil(math.sqrt(len(large))))
    around = [(_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)][: canvas.ndim]
    return Image.fromarray(np.pad(canvas, around, constant_values=_WHITE))


def _as_bytes(images: np.ndarray) -> np.ndarray:
    is_image = images.ndim == 3 or (
        images.ndim == 4 and images.shape[3] in (1, 3)
    )
    if not (is_image and images.size):
        raise ValueError(
            "`images` must have shape (num_images, height, width[, 1 or 3]) "
            f"to be drawn. Received: shape {images.shape}. Pass e.g. `--out "
            "images.npy` to keep the numbers."
        )
    if not np.isfinite(images).all():
        raise ValueError(
            "`images` must be finite to be drawn. Received: NaN or infinity "
            f"in an array of shape {images.shape}. Pass e.g. `--out "
            "images.npy` to see where."
        )
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    levels = np.clip(images.astype("float64"), 0, 1)
    return np.round(255 * levels).astype("uint8")


def _tile(images: np.ndarray, columns: int) -> np.ndarray:
    """Lays images out on white, row by row."""
    num, height, width = images.shape[:3]
    rows = -(-num // columns)
    step_down, step_right = height + _GAP, width + _GAP
    shape = (rows * step_down - _GAP, columns * step_right - _GAP)
    canvas = np.full((*shape, *images.shape[3:]), _WHITE, "uint8")
    for index, image in enumerate(images):
        top = index // columns * step_down
        left = index % columns * step_right
        canvas[top : top + height, left : left + width] = image
    return canvas
