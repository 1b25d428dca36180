"""Figures measured in pixels, outside pyplot, and how they are saved."""

import os
import pathlib
from typing import Any

from keras_vae.validation import optional_import, require

# A power of two: pixels / DPI * DPI is exact, so images keep their pixels.
DPI = 128

# Paul Tol's "muted" scheme, told apart in all forms of colour blindness; its
# pale grey is darkened to be seen on white.
COLORS = (
    "#332288",
    "#CC6677",
    "#117733",
    "#DDCC77",
    "#88CCEE",
    "#882255",
    "#44AA99",
    "#999933",
    "#AA4499",
    "#777777",
)


def new_figure(width: float, height: float) -> Any:
    """Returns an empty figure.

    It draws by Agg and stands outside pyplot: neither the user's backend nor
    their current figure changes.

    Args:
        width: Number of pixels at the figure's own resolution.
        height: Number of pixels.

    Raises:
        ImportError: if matplotlib is missing.
    """
    purpose = "Drawing a figure"
    figures = optional_import("matplotlib.figure", "viz", purpose)
    agg = optional_import("matplotlib.backends.backend_agg", "viz", purpose)
    figure = figures.Figure(
        figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white"
    )
    agg.FigureCanvasAgg(figure)
    return figure


def pixel_axes(
    figure: Any, left: float, bottom: float, width: float, height: float
) -> Any:
    """Adds axes at a place given in pixels from the lower left corner."""
    full_width, full_height = (side * DPI for side in figure.get_size_inches())
    return figure.add_axes(
        (
            left / full_width,
            bottom / full_height,
            width / full_width,
            height / full_height,
        )
    )


def save(
    figure: Any, path: str | os.PathLike[str], dpi: float | None = None
) -> pathlib.Path:
    """Writes a figure to a file, as PNG unless the name says otherwise.

    Args:
        figure: A `matplotlib.figure.Figure`.
        path: Where to write; missing folders are made, an existing file is
            replaced. The suffix names the format: `.png`, `.svg`, `.pdf`.
        dpi: Float, resolution in dots per inch. Defaults to the figure's own,
            which shows image pixels as whole squares; multiples of it do, too.

    Returns:
        The path, as `pathlib.Path`.

    Raises:
        ValueError: if the path has no suffix, or one that matplotlib does not
            know.

    Example:
    >>> from keras_vae import visualization
    >>> figure = visualization.loss_curves({"elbo": [-30.0, -25.0]})
    >>> visualization.save(figure, "curves.png")  # doctest: +SKIP
    PosixPath('curves.png')
    """
    target = pathlib.Path(path)
    require(
        bool(target.suffix),
        "`path` must end in the name of a format. "
        f"Received: path={str(path)!r}. Pass e.g. `{target.name}.png`.",
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=dpi or figure.dpi)
    return target
