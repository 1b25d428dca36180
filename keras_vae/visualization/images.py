"""Arrays of images made ready to be shown: grey levels, tiles."""

from typing import Any

import keras
import numpy as np

from keras_vae.validation import require

_SHAPES = "(num_images, height, width[, 1 or 3])"


def to_numpy(name: str, values: Any) -> np.ndarray:
    """Returns a tensor or array as a finite NumPy array of numbers."""
    if isinstance(values, (list, tuple)):
        values = np.asarray(values)
    array = np.asarray(keras.ops.convert_to_numpy(values))
    require(
        array.dtype.kind in "buif",
        f"`{name}` must hold numbers. Received: dtype {array.dtype}. "
        f"Pass {name} as a tensor or a NumPy array.",
    )
    require(
        bool(np.all(np.isfinite(array))),
        f"`{name}` must be finite. Received: NaN or infinity in an array of "
        f"shape {array.shape}. Check the model with `vae.evaluate(x)`.",
    )
    return array


def as_bytes(
    name: str, images: Any, value_range: tuple[float, float]
) -> np.ndarray:
    """Returns images as uint8, of shape `(num, height, width[, 3])`.

    Args:
        name: The argument's name, for messages.
        images: Array or tensor of shape `(num, height, width)`, or with 1 or
            3 channels behind. uint8 stays as it is.
        value_range: The values shown as black and white; those beyond are
            shown as black and white, too.

    Raises:
        ValueError: if the shape is another, there are no images, a value is
            not finite or the range is empty.
    """
    array = to_numpy(name, images)
    require(
        array.ndim == 3 or (array.ndim == 4 and array.shape[3] in (1, 3)),
        f"`{name}` must have shape {_SHAPES}. Received: shape {array.shape}. "
        f"Pass e.g. `{name}.reshape(-1, 28, 28)`.",
    )
    require(
        array.size > 0,
        f"`{name}` must hold at least one image. Received: shape "
        f"{array.shape}. Pass e.g. `vae.generate(64, seed=0)`.",
    )
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.dtype == np.uint8:
        return array
    black, white = value_range
    require(
        black < white,
        "`value_range` must be (black, white) with black < white. Received: "
        f"value_range={value_range!r}. Pass e.g. `value_range=(0.0, 1.0)`.",
    )
    levels = (array.astype(np.float64) - black) / (white - black)
    return np.round(np.clip(levels, 0, 1) * 255).astype(np.uint8)


def tile(
    images: np.ndarray,
    columns: int,
    scale: int = 1,
    gap: int = 0,
    background: int = 255,
) -> np.ndarray:
    """Lays images out row by row, each pixel as a square.

    Args:
        images: uint8 array of shape `(num, height, width[, 3])`.
        columns: Integer, images in a row.
        scale: Integer, the side of a pixel's square. Defaults to `1`.
        gap: Integer, pixels between images, unscaled. Defaults to `0`.
        background: Integer, the grey level between. Defaults to white.

    Returns:
        uint8 array of shape `(full_height, full_width[, 3])`.
    """
    large = images.repeat(scale, axis=1).repeat(scale, axis=2)
    num, height, width = large.shape[:3]
    rows = -(-num // columns)
    canvas = np.full(
        (rows * (height + gap), columns * (width + gap), *large.shape[3:]),
        background,
        np.uint8,
    )
    for index, image in enumerate(large):
        top = index // columns * (height + gap)
        left = index % columns * (width + gap)
        canvas[top : top + height, left : left + width] = image
    return canvas[: canvas.shape[0] - gap, : canvas.shape[1] - gap]


def show(axes: Any, canvas: np.ndarray, **options: Any) -> None:
    """Draws a uint8 canvas as it is: no blur, no stretched grey levels."""
    if canvas.ndim == 2:  # a colour map would shift some levels by one
        canvas = np.stack([canvas] * 3, axis=-1)
    axes.imshow(canvas, interpolation="nearest", aspect="auto", **options)
