"""How many steps one call of the device runs, where Keras was told nothing."""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import keras

DEFAULT_BATCH_SIZE = 32  # Keras's own, of arrays.
# A group's at most: one to three seconds on two cores, in which nobody sees
# progress, and Ctrl-C has to wait. JAX asks for the memory of a program anew at
# each call: in groups of two, a step of IWAE with 50 samples took 80 ms, in
# groups of sixteen 50.
_OPERATIONS = 4e11
_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
_HOOKS = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
)


@contextlib.contextmanager
def grouped(
    model: keras.Model,
    callbacks: Any,
    num_examples: int,
    batch_size: int | None,
) -> Iterator[None]:
    """Has `fit` run several steps in one call, where nobody could tell.

    It is as if `steps_per_execution` had been passed to `compile`: a progress
    bar moves on by several steps at once. A callback that looks at each step
    turns it off, unless it bears the attribute `steps_may_be_grouped`.

    Args:
        model: What `fit` trains.
        callbacks: What `fit` was given.
        num_examples: Positive integer, examples of an epoch.
        batch_size: What `fit` was given.
    """
    before = model.steps_per_execution
    if before == 1 and not any(map(_looks_at_steps, _listed(callbacks))):
        batch_size = batch_size or DEFAULT_BATCH_SIZE
        most = steps_of_a_group(model, batch_size)
        model.steps_per_execution = evenly(num_examples, batch_size, most)
    try:
        yield
    finally:
        model.steps_per_execution = before


def evenly(num_examples: int, batch_size: int, most_steps: int) -> int:
    """Returns how many steps a group has, so that an epoch's are alike.

    Keras counts a short last group as a whole one: its progress bar of 12
    steps in a group of 256 was twenty times as long as a line.

    Args:
        num_examples: Positive integer, examples of an epoch.
        batch_size: Positive integer.
        most_steps: Positive integer.
    """
    num_steps = -(-num_examples // batch_size)
    num_groups = -(-num_steps // most_steps)
    return -(-num_steps // num_groups)


def steps_of_a_group(model: keras.Model, batch_size: int) -> int:
    """Returns how many steps of a model run in one to three seconds.

    Args:
        model: A VAE.
        batch_size: Integer.
    """
    products = _products_by_weights(model)
    if 0 in products:
        return 1
    samples = getattr(model.objective, "num_samples", 1)
    # Two operations for a product forward, four backward.
    operations = 6.0 * sum(products) * batch_size * samples
    steps = _OPERATIONS // max(operations, 1.0)
    return int(min(max(steps, 1), model.most_steps))


def fits_a_loop(model: keras.Model) -> bool:
    """Whether steps are as fast in a compiled loop as one by one.

    Convolutions are where the model's `loops_over` says so. Recurrent layers
    were not measured.

    Args:
        model: A VAE.
    """
    return 0 not in _products_by_weights(model)


def _products_by_weights(model: keras.Model) -> list[int]:
    """Returns the products of one image with each weight.

    They are 0 where steps with its layer are not known to fit a loop.
    """
    layers = list(model._flatten_layers())
    if any(isinstance(layer, keras.layers.RNN) for layer in layers):
        return [0]
    return [
        math.prod(weight.shape) * _uses(layer, model)
        for layer in layers
        for weight in layer._trainable_variables  # Its own, no sublayer's.
    ]


def _uses(layer: keras.Layer, model: keras.Model) -> int:
    """Returns how often an example meets a weight; 0 as above."""
    if all(len(weight.shape) <= 2 for weight in layer._trainable_variables):
        return 1
    if isinstance(layer, _CONVOLUTIONS) and model.loops_over(layer):
        return _positions(layer)
    return 0


def _positions(layer: keras.Layer) -> int:
    """Returns the positions of a convolution's kernel on an image.

    They are 0 where the image's size is not known.
    """
    shape = layer.get_build_config()["input_shape"]
    sizes = [shape, layer.compute_output_shape(shape)]
    if layer.data_format == "channels_first":
        sizes = [(*s[:1], *s[2:], s[1]) for s in sizes]
    if None in (*sizes[0][1:], *sizes[1][1:]):
        return 0
    # A transposed convolution puts one on each of its inputs.
    return min(math.prod(s[1:-1]) for s in sizes)


def _listed(callbacks: Any) -> list[Any]:
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    if isinstance(callbacks, keras.callbacks.Callback):
        return [callbacks]
    return list(callbacks or [])


def _looks_at_steps(callback: Any) -> bool:
    """Whether a callback does something before or after each step."""
    if getattr(callback, "steps_may_be_grouped", False):
        return False
    if getattr(callback, "save_freq", None) == "epoch":
        return False  # `ModelCheckpoint` and `BackupAndRestore` save then.
    if isinstance(callback, keras.callbacks.ProgbarLogger):
        return False
    plain = keras.callbacks.Callback
    return any(
        getattr(getattr(callback, name, None), "__func__", None)
        is not getattr(plain, name)
        for name in _HOOKS
    )
