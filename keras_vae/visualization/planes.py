"""The plane of two latent dimensions: what each of its points decodes to."""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np

from keras_vae.validation import one_of, positive_int, require
from keras_vae.visualization.figure import new_figure, pixel_axes
from keras_vae.visualization.images import as_bytes, show, tile
from keras_vae.visualization.latents import as_labels, as_points, scatter

_LEFT, _BOTTOM, _TOP, _BETWEEN, _RIGHT, _LEGEND = 84, 76, 48, 92, 24, 88
_GAP, _GAP_LEVEL = 1, 96  # a thin grey line between the images
_PANEL = 760  # pixels at which the panel of images aims
_LAYOUTS = ("beside", "over")
_NORMAL = NormalDist()


def latent_plane(
    decode: Callable[[np.ndarray], Any],
    latents: Any = None,
    labels: Any = None,
    columns: int = 20,
    spacing: str = "quantiles",
    limit: float = 3.0,
    layout: str = "beside",
    value_range: tuple[float, float] = (0.0, 1.0),
) -> Any:
    """Draws what a grid over a plane of latents decodes to.

    Spaced by the standard normal prior's quantiles, each image stands for as
    much of the prior as any other (Kingma & Welling, 2014, figure 4,
    https://arxiv.org/abs/1312.6114), and latents that follow the prior fill
    the plane evenly.

    Args:
        decode: Function from z, float32 of shape `(num_points, 2)`, to images
            of shape `(num_points, height, width)` or with 1 or 3 channels
            behind: `vae.generator.predict`.
        latents: Array or tensor of shape `(num_points, 2)`, drawn on the
            same axes: `vae.encode(x_test).mean()`. Defaults to none.
        labels: Array of shape `(num_points,)`, their classes.
        columns: Integer, images along each axis. Defaults to `20`.
        spacing: `"quantiles"` or `"linear"`. Defaults to `"quantiles"`.
        limit: Float, both axes go from `-limit` to `limit`. Defaults to `3.0`.
        layout: `"beside"` draws the latents in a second panel, `"over"` on
            top of the images. Defaults to `"beside"`.
        value_range: Pair of floats, shown as black and as white.

    Returns:
        A `matplotlib.figure.Figure`; `save` writes it.

    Raises:
        ValueError: if a shape, a value or a word is not as said above.

    Example:
    >>> import numpy as np
    >>> from keras_vae import visualization
    >>> decode = lambda z: np.tile(z[:, :1, None], (1, 8, 8)) / 6 + 0.5
    >>> figure = visualization.latent_plane(decode, columns=5)
    """
    columns = positive_int("columns", columns, "Pass e.g. `columns=20`.")
    scale = _Scale(spacing, limit)
    one_of("layout", layout, ("beside", "over"), 'Pass e.g. `layout="beside"`.')
    points = None if latents is None else _checked_plane(latents)
    if points is not None:
        labels = as_labels(labels, len(points))
    canvas = _decoded(decode, scale.grid(columns), columns, value_range)
    two_panels = points is not None and layout == "beside"
    legend = points is not None and labels is not None
    figure, axes = _panels(canvas, 1 + two_panels, legend)
    show(axes[0], canvas, extent=(0, 1, 0, 1))
    axes[0].set_title("Decoded images", loc="left")
    for panel in axes:
        scale.label(panel)
    if points is not None:
        _draw_points(axes[-1], points, labels, scale, layout == "over")
    return figure


class _Scale:
    """How z in `[-limit, limit]` lies on an axis from 0 to 1.

    Args:
        spacing: `"quantiles"` or `"linear"`.
        limit: Float, where the axis ends.
    """

    def __init__(self, spacing: str, limit: float) -> None:
        self.spacing = one_of(
            "spacing",
            spacing,
            ("quantiles", "linear"),
            'Pass e.g. `spacing="quantiles"`.',
        )
        require(
            0 < limit <= 6,
            "`limit` must be above 0 and at most 6. "
            f"Received: limit={limit!r}. Pass e.g. `limit=3.0`.",
        )
        self.limit = float(limit)

    def to_axis(self, z: np.ndarray) -> np.ndarray:
        """Returns where z lies on the axis; outside is beyond 0 and 1."""
        if self.spacing == "linear":
            return (z / self.limit + 1) / 2
        low, high = self._mass(-self.limit), self._mass(self.limit)
        return (np.vectorize(self._mass, otypes=[float])(z) - low) / (
            high - low
        )

    def from_axis(self, position: float) -> float:
        """Returns z at a place between 0 and 1."""
        if self.spacing == "linear":
            return (2 * position - 1) * self.limit
        low, high = self._mass(-self.limit), self._mass(self.limit)
        return _NORMAL.inv_cdf(low + position * (high - low))

    def grid(self, columns: int) -> np.ndarray:
        """Returns z at the images' centres, the upper left one first."""
        places = [(index + 0.5) / columns for index in range(columns)]
        values = np.array([self.from_axis(place) for place in places])
        across, up = np.meshgrid(values, values[::-1])
        return np.stack([across.ravel(), up.ravel()], 1).astype(np.float32)

    def label(self, axes: Any) -> None:
        """Writes values of z along both axes."""
        whole = math.floor(self.limit)
        ticks = np.arange(-whole, whole + 1) if whole else np.zeros(1)
        if self.spacing == "quantiles":
            ticks = ticks[np.abs(ticks) <= 2]
        places = self.to_axis(ticks)
        names = [f"{tick:g}".replace("-", "\N{MINUS SIGN}") for tick in ticks]
        axes.set_xticks(places, names)
        axes.set_yticks(places, names)
        axes.set_xlabel("$z_1$")
        axes.set_ylabel("$z_2$")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)

    @staticmethod
    def _mass(z: float) -> float:
        return _NORMAL.cdf(z)


def _checked_plane(latents: Any) -> np.ndarray:
    """Returns latents of two dimensions."""
    points = as_points(latents)
    require(
        points.shape[1] == 2,
        "`latents` must have shape (num_points, 2). "
        f"Received: shape {points.shape}. "
        "For more dimensions call `latent_map(latents, labels)`.",
    )
    return points


def _decoded(
    decode: Callable[[np.ndarray], Any],
    z: np.ndarray,
    columns: int,
    value_range: tuple[float, float],
) -> np.ndarray:
    """Returns the decoded grid as one canvas."""
    images = as_bytes("decode(z)", decode(z), value_range)
    require(
        len(images) == len(z),
        "`decode` must return one image for each z. "
        f"Received: {len(images)} images for {len(z)} points. "
        "Pass e.g. `decode=vae.generator.predict`.",
    )
    size = columns * max(images.shape[1:3])
    scale = max(1, round(_PANEL / size))
    return tile(images, columns, scale, _GAP, _GAP_LEVEL)


def _panels(
    canvas: np.ndarray, num_panels: int, legend: bool
) -> tuple[Any, list[Any]]:
    """Returns a figure with panels of the canvas's size, side by side."""
    height, width = canvas.shape[:2]
    lefts = [_LEFT + index * (width + _BETWEEN) for index in range(num_panels)]
    right = lefts[-1] + width + _RIGHT + (_LEGEND if legend else 0)
    figure = new_figure(right, _BOTTOM + height + _TOP)
    axes = [pixel_axes(figure, x, _BOTTOM, width, height) for x in lefts]
    return figure, axes


def _draw_points(
    axes: Any,
    points: np.ndarray,
    labels: np.ndarray | None,
    scale: _Scale,
    over: bool,
) -> None:
    """Draws the latents that lie in the plane, and counts the others."""
    places = scale.to_axis(points)
    inside = np.all((places >= 0) & (places <= 1), axis=1)
    if np.any(inside):
        kept = None if labels is None else labels[inside]
        scatter(axes, places[inside], kept, outlined=over)
    title = "Posterior means"
    if over:
        title = "Decoded images and posterior means"
    if not np.all(inside):
        outside = len(points) - int(inside.sum())
        title += f" ({outside:,} of {len(points):,} lie outside)"
    axes.set_title(title, loc="left")
