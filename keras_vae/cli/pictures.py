"""The pictures of a run directory."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_vae import visualization
from keras_vae.cli.output import Output
from keras_vae.cli.run_directory import RunDirectory
from keras_vae.models import VAE
from keras_vae.validation import optional_import

SAMPLES_SEED = 0
_NUM_SAMPLES = 64
_MOST_POINTS = 10_000
_BATCH = 256
_SMALL = 16  # pixels of the longer side


def check() -> None:
    """Raises an `ImportError` unless pictures can be drawn."""
    optional_import("matplotlib", "viz", "Drawing a run's pictures")


def draw(
    run: RunDirectory,
    vae: VAE,
    x: np.ndarray,
    labels: np.ndarray | None,
    output: Output,
) -> None:
    """Draws `samples.png`, `latents.png` and `curves.png`.

    A picture that cannot be drawn, as of a model that diverged, is told on
    stderr: the run keeps the others.

    Args:
        run: The run directory.
        vae: The VAE.
        x: Array `(num_examples, *event_shape)`, for the latents.
        labels: Array `(num_examples,)`, their colours, or `None`.
        output: Where trouble is told.
    """
    figures: dict[Any, Callable[[], Any]] = {
        run.samples_path: lambda: _samples(vae),
        run.latents_path: lambda: _latents(vae, x, labels),
        run.curves_path: lambda: visualization.loss_curves(run.metrics()),
    }
    for path, make in figures.items():
        try:
            visualization.save(make(), path)
        except ValueError as error:
            output.note(f"{path.name} was not drawn: {error}")


def sample_grid(images: np.ndarray, title: str | None = None) -> Any:
    """Draws a grid; small images, as digits that fill 8x8, get a margin.

    Args:
        images: Array `(num_images, height, width, channels)`.
        title: String above the grid, or `None`.
    """
    if max(images.shape[1:3]) <= _SMALL:
        images = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return visualization.sample_grid(images, title=title)


def _samples(vae: VAE) -> Any:
    images = vae.generate(_NUM_SAMPLES, seed=SAMPLES_SEED)
    title = f"Samples from the prior, seed {SAMPLES_SEED}"
    return sample_grid(images, title)


def _latents(vae: VAE, x: np.ndarray, labels: np.ndarray | None) -> Any:
    x = x[:_MOST_POINTS]
    means = [
        keras.ops.convert_to_numpy(vae.encode(x[start : start + _BATCH]).mean())
        for start in range(0, len(x), _BATCH)
    ]
    if labels is not None:
        labels = labels[:_MOST_POINTS] if labels.ndim == 1 else None
    return visualization.latent_map(
        np.concatenate(means), labels, title="Posterior means of the test split"
    )
