"""Curves of what training logged."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from keras_vae.validation import require
from keras_vae.visualization.figure import COLORS, new_figure

_TITLES = {
    "loss": "Loss (lower is better)",
    "elbo": "ELBO (higher is better)",
    "iw_elbo": "Importance-weighted ELBO (higher is better)",
    "log_likelihood": "Log-likelihood of the reconstruction",
    "kl": "KL of the posterior from the prior",
}
_PANEL_WIDTH, _PANEL_HEIGHT = 560, 400
_FIX = "Pass what `vae.fit(x)` returned, or the rows of metrics.jsonl."


def loss_curves(history: Any, metrics: Sequence[str] | None = None) -> Any:
    """Draws the metrics of each epoch, training beside validation.

    Args:
        history: What `fit` returned, its dict of lists, or a list with one
            dict an epoch, as the lines of `metrics.jsonl`. A curve passes
            over epochs that lack its metric and is broken where it is NaN.
        metrics: Names to draw, one panel each; `val_` is added for the
            validation curve. Defaults to those of `loss`, `elbo`, `iw_elbo`,
            `log_likelihood` and `kl` that are logged.

    Returns:
        A `matplotlib.figure.Figure`; `save` writes it. Metrics of the VAE
        have the unit nats per example.

    Raises:
        ImportError: if matplotlib is missing.
        ValueError: if nothing is logged, or not the metrics asked for.

    Example:
    >>> from keras_vae import visualization
    >>> rows = [{"elbo": -30.0, "val_elbo": -31.0}, {"elbo": -28.0}]
    >>> figure = visualization.loss_curves(rows)
    """
    rows = _rows(history)
    names = _chosen(rows, metrics)
    columns = min(2, len(names))
    height = -(-len(names) // columns)
    figure = new_figure(columns * _PANEL_WIDTH, height * _PANEL_HEIGHT)
    figure.set_layout_engine("constrained")
    panels = figure.subplots(height, columns, squeeze=False).ravel()
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    for axes, name in zip(panels, names, strict=False):
        _draw(axes, name, rows)
    return figure


def _rows(history: Any) -> Sequence[Mapping[str, Any]]:
    """Returns one dict an epoch, whatever form the history has."""
    history = getattr(history, "history", history)
    if isinstance(history, Mapping):
        lengths = {name: len(values) for name, values in history.items()}
        require(
            len(set(lengths.values())) <= 1,
            "`history` must have as many values of each metric, or it is not "
            f"known which epochs lack one. Received: lengths {lengths}. "
            "Pass a list with one dict an epoch.",
        )
        rows = [
            dict(zip(history, values, strict=True))
            for values in zip(*history.values(), strict=True)
        ]
    else:
        rows = [*history] if isinstance(history, Iterable) else []
    require(
        bool(rows) and all(isinstance(row, Mapping) for row in rows),
        "`history` must hold at least one epoch. "
        f"Received: history={history!r}. {_FIX}",
    )
    return rows


def _chosen(
    rows: Sequence[Mapping[str, Any]], metrics: Sequence[str] | None
) -> list[str]:
    """Returns the names of the metrics to draw."""
    logged = {name.removeprefix("val_") for row in rows for name in row}
    wanted = _TITLES if metrics is None else metrics
    names = [name for name in wanted if name in logged]
    missing = [name for name in metrics or () if name not in logged]
    require(
        bool(names) and not missing,
        f"`history` must hold {missing or list(_TITLES)}. "
        f"Received: history with {sorted(logged)}. {_FIX}",
    )
    return names


def _draw(axes: Any, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draws one metric of training and of validation."""
    for key, label, color, style in (
        (name, "training", COLORS[0], "-"),
        (f"val_{name}", "validation", COLORS[1], "--"),
    ):
        epochs, values = _curve(rows, key)
        if epochs:
            marker = "o" if len(epochs) <= 30 else None
            axes.plot(
                epochs,
                values,
                style,
                color=color,
                label=label,
                marker=marker,
                markersize=3,
            )
    axes.set_title(_TITLES.get(name, name), fontsize="medium")
    axes.set_xlabel("epoch")
    axes.set_ylabel("nats per example" if name in _TITLES else name)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")


def _curve(
    rows: Sequence[Mapping[str, Any]], key: str
) -> tuple[list[int], list[float]]:
    """Returns the epochs, counted from 1, that log a metric, and its values."""
    points = [
        (epoch, float(row[key]))
        for epoch, row in enumerate(rows, start=1)
        if row.get(key) is not None
    ]
    return [epoch for epoch, _ in points], [value for _, value in points]
