"""Grids of images: samples, and data beside its reconstruction."""

import math
from typing import Any

import numpy as np

from keras_vae.validation import positive_int, require
from keras_vae.visualization.figure import new_figure, pixel_axes
from keras_vae.visualization.images import as_bytes, show, tile

_MARGIN = 12
_GAP = 2
_TITLE_HEIGHT = 36
_LABEL_WIDTH = 132
_LETTER_WIDTH = 13  # about, of a title
_SMALLEST_SIDE = 64  # pixels on the screen of an image's longer side


def sample_grid(
    images: Any,
    columns: int | None = None,
    title: str | None = "Samples",
    value_range: tuple[float, float] = (0.0, 1.0),
) -> Any:
    """Draws images in a grid, row by row, each pixel a sharp square.

    Args:
        images: Array or tensor of shape `(num_images, height, width)`, or
            with 1 or 3 channels behind; uint8 spans 0 to 255.
        columns: Integer, images in a row. Defaults to about as many as rows.
        title: String above the grid, or `None`. Defaults to `"Samples"`.
        value_range: Pair of floats, shown as black and as white. Defaults to
            `(0.0, 1.0)`.

    Returns:
        A `matplotlib.figure.Figure`; `save` writes it.

    Raises:
        ImportError: if matplotlib is missing.
        ValueError: if `images` has another shape, is empty or not finite.

    Example:
    >>> import numpy as np
    >>> from keras_vae import visualization
    >>> figure = visualization.sample_grid(np.random.rand(16, 8, 8))
    """
    pixels = as_bytes("images", images, value_range)
    if columns is None:
        columns = math.ceil(math.sqrt(len(pixels)))
    columns = positive_int("columns", columns, "Pass e.g. `columns=8`.")
    canvas = tile(pixels, min(columns, len(pixels)), _scale(pixels), _GAP)
    figure, _ = _framed(canvas, title)
    return figure


def reconstructions(
    x: Any,
    x_hat: Any,
    columns: int = 10,
    title: str | None = "Data and reconstructions",
    value_range: tuple[float, float] = (0.0, 1.0),
) -> Any:
    """Draws images, and under each of them its reconstruction.

    Args:
        x: Array or tensor of shape `(num_images, height, width)`, or with 1
            or 3 channels behind; uint8 spans 0 to 255.
        x_hat: Array or tensor of the shape of `x`: `vae.reconstruct(x)`.
        columns: Integer, images in a row. Defaults to `10`.
        title: String above the grid, or `None`.
        value_range: Pair of floats, shown as black and as white. Defaults to
            `(0.0, 1.0)`.

    Returns:
        A `matplotlib.figure.Figure`; `save` writes it.

    Raises:
        ImportError: if matplotlib is missing.
        ValueError: if the shapes differ, are not those of images, or a value
            is not finite.

    Example:
    >>> import numpy as np
    >>> from keras_vae import visualization
    >>> x = np.random.rand(10, 8, 8)
    >>> figure = visualization.reconstructions(x, x_hat=x.round())
    """
    originals = as_bytes("x", x, value_range)
    others = as_bytes("x_hat", x_hat, value_range)
    require(
        originals.shape == others.shape,
        "`x_hat` must have the shape of `x`. Received: shapes "
        f"{originals.shape} and {others.shape}. "
        "Pass e.g. `reconstructions(x, vae.reconstruct(x))`.",
    )
    columns = positive_int("columns", columns, "Pass e.g. `columns=10`.")
    columns = min(columns, len(originals))
    scale = _scale(originals)
    bands = []
    for first in range(0, len(originals), columns):
        pair = _pair_of_rows(originals, others, slice(first, first + columns))
        bands.append(tile(pair, columns, scale, _GAP))
    figure, axes = _framed(_stacked(bands), title, _LABEL_WIDTH)
    side = originals.shape[1] * scale
    _label_rows(axes, len(bands), side, bands[0].shape[0] + _MARGIN)
    return figure


def _scale(pixels: np.ndarray) -> int:
    """Returns how large to draw a pixel, for small images to be seen."""
    return max(1, math.ceil(_SMALLEST_SIDE / max(pixels.shape[1:3])))


def _framed(
    canvas: np.ndarray, title: str | None, label_width: int = 0
) -> tuple[Any, Any]:
    """Returns a figure that shows a canvas pixel by pixel, and its axes."""
    height, width = canvas.shape[:2]
    left = _MARGIN + label_width
    room = max(width, _LETTER_WIDTH * len(title or ""))
    figure = new_figure(
        left + room + _MARGIN,
        height + 2 * _MARGIN + (_TITLE_HEIGHT if title else 0),
    )
    axes = pixel_axes(figure, left, _MARGIN, width, height)
    show(axes, canvas)
    axes.set_axis_off()
    if title:
        axes.set_title(title, loc="left")
    return figure, axes


def _pair_of_rows(
    originals: np.ndarray, others: np.ndarray, part: slice
) -> np.ndarray:
    """Joins a row of images and its reconstructions, both filled up."""
    columns = part.stop - part.start
    rows = []
    for images in (originals[part], others[part]):
        missing = [(0, columns - len(images))] + [(0, 0)] * (images.ndim - 1)
        rows.append(np.pad(images, missing, constant_values=255))
    return np.concatenate(rows)


def _stacked(bands: list[np.ndarray]) -> np.ndarray:
    """Stacks bands of equal width with a margin between them."""
    margin = np.full((_MARGIN, *bands[0].shape[1:]), 255, np.uint8)
    parts = [part for band in bands for part in (band, margin)]
    return np.concatenate(parts[:-1])


def _label_rows(axes: Any, num_bands: int, side: int, step: int) -> None:
    """Writes beside each row of images what it shows."""
    for band in range(num_bands):
        for row, label in enumerate(("data", "reconstruction")):
            middle = band * step + row * (side + _GAP) + side / 2
            axes.text(
                -_MARGIN / 2,
                middle,
                label,
                horizontalalignment="right",
                verticalalignment="center",
                fontsize="small",
            )
