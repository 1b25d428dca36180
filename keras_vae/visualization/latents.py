"""Maps of latent space: where the posterior means lie."""

from typing import Any

import numpy as np

from keras_vae.validation import one_of, require
from keras_vae.visualization.figure import COLORS, new_figure
from keras_vae.visualization.images import to_numpy

_WIDTH, _HEIGHT = 880, 760
_MOST_CLASSES = 20
_FIX = "Pass e.g. `latent_map(latents, labels)`, one label for each latent."


def latent_map(
    latents: Any,
    labels: Any = None,
    projection: str = "pca",
    title: str | None = "Posterior means",
    ax: Any = None,
) -> Any:
    """Draws each latent as a point, coloured by its label.

    Two latent dimensions are drawn as they are, one as a histogram; of more,
    a plane through them that the axes name.

    Args:
        latents: Array or tensor of shape `(num_points, latent_dim)`, as
            `vae.encode(x).mean()`.
        labels: Array of shape `(num_points,)`: at most 20 different values
            are classes with a legend, more numbers than that a colour scale.
        projection: `"pca"` for the two principal components, `"variance"` for
            the two dimensions of largest variance. Defaults to `"pca"`.
        title: String above the map, or `None`.
        ax: `matplotlib.axes.Axes` to draw in. Defaults to a new figure's.

    Returns:
        A `matplotlib.figure.Figure`; `save` writes it.

    Raises:
        ImportError: if matplotlib is missing.
        ValueError: if a shape is another, a value is not finite or the
            projection is unknown.

    Example:
    >>> import numpy as np
    >>> from keras_vae import visualization
    >>> z = np.random.normal(size=(100, 5))
    >>> figure = visualization.latent_map(z, labels=z[:, 0] > 0)
    """
    points = as_points(latents)
    labels = as_labels(labels, len(points))
    if ax is None:
        figure = new_figure(_WIDTH, _HEIGHT)
        figure.set_layout_engine("constrained")
        ax = figure.add_subplot()
    points, names = _project(points, projection)
    if points.shape[1] == 1:
        _histogram(ax, points[:, 0], labels)
        ax.set_ylabel("number of points")
    else:
        scatter(ax, points, labels)
        ax.set_ylabel(names[1])
        ax.set_aspect("equal", adjustable="datalim")
    ax.set_xlabel(names[0])
    if title:
        ax.set_title(title, loc="left")
    return ax.figure


def as_points(latents: Any) -> np.ndarray:
    """Returns latents as float64 of shape `(num_points, latent_dim)`."""
    points = to_numpy("latents", latents)
    require(
        points.ndim == 2 and points.size > 0,
        "`latents` must have shape (num_points, latent_dim), with at least "
        f"one point. Received: shape {points.shape}. "
        "Pass e.g. `vae.encode(x).mean()`.",
    )
    return points.astype(np.float64)


def as_labels(labels: Any, num_points: int) -> np.ndarray | None:
    """Returns one label for each point, or None."""
    if labels is None:
        return None
    array = np.asarray(labels)
    if array.dtype.kind not in "US":
        array = to_numpy("labels", labels)
    require(
        array.shape == (num_points,),
        f"`labels` must have shape ({num_points},). "
        f"Received: shape {array.shape}. {_FIX}",
    )
    return array


def scatter(
    ax: Any,
    points: np.ndarray,
    labels: np.ndarray | None,
    outlined: bool = False,
) -> None:
    """Draws points `(num_points, 2)` in the colours of their labels."""
    style: dict[str, Any] = {
        "s": float(np.clip(20_000 / len(points), 3, 25)),
        "linewidths": 0.4 if outlined else 0,
        "edgecolors": "white",
        "alpha": 0.8,
    }
    classes = _classes(labels)
    if labels is None:
        ax.scatter(*points.T, c=COLORS[0], **style)
    elif classes is None:
        drawn = ax.scatter(*points.T, c=labels, cmap="viridis", **style)
        ax.figure.colorbar(drawn, ax=ax, label="label")
    else:
        # One drawing in the points' order: no class hides the others.
        index = np.searchsorted(classes, labels)
        colors = np.array([_color(i) for i in range(len(classes))])
        ax.scatter(*points.T, c=colors[index], **style)
        _legend(ax, classes)
        _name_classes(ax, points, index, classes)


def _classes(labels: np.ndarray | None) -> np.ndarray | None:
    """Returns the different labels where they are few enough to be named."""
    if labels is None:
        return None
    values = np.unique(labels)
    few = len(values) <= _MOST_CLASSES or labels.dtype.kind in "US"
    return values if few else None


def _color(index: int) -> str:
    """Returns the colour of a class; past the tenth they come again."""
    return COLORS[index % len(COLORS)]


def _legend(ax: Any, classes: np.ndarray) -> None:
    """Adds a legend of the classes, beside the points."""
    handles = [
        ax.scatter([], [], color=_color(index), s=30, label=str(name))
        for index, name in enumerate(classes)
    ]
    ax.legend(
        handles=handles,
        title="class",
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
    )


def _name_classes(
    ax: Any, points: np.ndarray, index: np.ndarray, classes: np.ndarray
) -> None:
    """Writes each class's name at its median, for those who see no colour."""
    for number, name in enumerate(classes):
        x, y = np.median(points[index == number], axis=0)
        ax.annotate(
            str(name),
            (x, y),
            horizontalalignment="center",
            verticalalignment="center",
            fontweight="bold",
            bbox={
                "boxstyle": "round,pad=0.15",
                "facecolor": "white",
                "edgecolor": _color(number),
                "alpha": 0.85,
            },
        )


def _histogram(ax: Any, values: np.ndarray, labels: np.ndarray | None) -> None:
    """Draws how many points lie where on a line, stacked by class."""
    classes = _classes(labels)
    if classes is None:
        ax.hist(values, bins=40, color=COLORS[0])
        return
    ax.hist(
        [values[labels == name] for name in classes],
        bins=40,
        stacked=True,
        color=[_color(index) for index in range(len(classes))],
    )
    _legend(ax, classes)


def _project(
    points: np.ndarray, projection: str
) -> tuple[np.ndarray, list[str]]:
    """Returns at most two coordinates a point, and what they are."""
    one_of(
        "projection",
        projection,
        ("pca", "variance"),
        'Pass e.g. `projection="pca"`.',
    )
    num_dims = points.shape[1]
    if num_dims <= 2:
        return points, [f"$z_{{{axis + 1}}}$" for axis in range(num_dims)]
    centred = points - points.mean(axis=0)
    covariance = centred.T @ centred / len(points)
    total = max(float(np.trace(covariance)), np.finfo(float).tiny)
    if projection == "variance":
        axes = np.argsort(-np.diag(covariance), kind="stable")[:2]
        shares = np.diag(covariance)[axes] / total
        names = [f"$z_{{{axis + 1}}}$" for axis in axes]
        chosen = points[:, axes]
    else:
        variances, vectors = np.linalg.eigh(covariance)
        directions = vectors[:, [-1, -2]]
        # An eigenvector's sign is arbitrary: its largest entry is positive.
        largest = np.abs(directions).argmax(axis=0)
        directions = directions * np.sign(directions[largest, [0, 1]])
        shares = variances[[-1, -2]] / total
        names = ["principal component 1", "principal component 2"]
        chosen = centred @ directions
    labels = [
        f"{name} ({share:.0%} of the variance)"
        for name, share in zip(names, shares, strict=True)
    ]
    return chosen, labels
