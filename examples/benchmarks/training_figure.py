"""The picture of the training benchmark, from `figures/training.json`.

    python examples/benchmarks/training_figure.py

draws images per second by backend, one panel for each architecture, to
`examples/figures/training.png`.
"""

import json
import pathlib

from contenders import BACKENDS, CONTENDERS

from keras_vae import visualization
from keras_vae.visualization.figure import COLORS, new_figure

FIGURES = pathlib.Path(__file__).parents[1] / "figures"
PANELS = {
    "mlp": "MLP, 784-400-20-400-784",
    "conv": "convolutional, of keras.io",
}
NAMES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
ORDER = ("ours", "plain", "keras", "hand", "pythae", "pyro", "numpyro")


def draw(report):
    """Returns the figure: grouped bars, a group for each backend."""
    panels = [part for part in PANELS if part in report]
    figure = new_figure(720 * len(panels), 560)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for part, axis in zip(panels, axes, strict=True):
        panel(axis, PANELS[part], report[part]["figures"])
    figure.tight_layout()
    return figure


def panel(axis, title, found):
    """Draws one architecture."""
    speeds = {
        (row["contender"], row["backend"]): row["images_per_second"]
        for row in found["rows"]
    }
    labels = set()
    for place, backend in enumerate(BACKENDS):
        names = [name for name in ORDER if (name, backend) in speeds]
        width = 0.8 / max(len(names), 1)
        for index, name in enumerate(names):
            left = place + (index - len(names) / 2 + 0.5) * width
            label = CONTENDERS[name].title.replace("`", "")
            axis.bar(
                left,
                speeds[name, backend],
                0.95 * width,
                color=COLORS[ORDER.index(name)],
                label=None if name in labels else label,
            )
            labels.add(name)
    if found["allowed"]:
        axis.axhline(found["allowed"], color="#999999", linestyle="--")
        axis.text(
            len(BACKENDS) - 0.5,
            found["allowed"],
            "what the matrix product allows",
            ha="right",
            va="bottom",
            fontsize=8,
        )
    axis.set_xticks(range(len(BACKENDS)), [NAMES[b] for b in BACKENDS])
    axis.set_title(title)
    axis.set_ylabel("images per second")
    axis.yaxis.set_major_formatter("{x:,.0f}")
    axis.set_ylim(0, 1.5 * max(found["allowed"] or 0, *speeds.values()))
    axis.legend(fontsize=8, ncols=2, loc="upper left")


def main():
    """Draws the figures that were kept."""
    report = json.loads((FIGURES / "training.json").read_text())
    visualization.save(draw(report), FIGURES / "training.png")


if __name__ == "__main__":
    main()
