"""How many steps one call of the device runs, where Keras was told nothing."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

# A call costs TensorFlow and JAX about as much as a step of a small network,
# and PyTorch, where Keras has threads tell callbacks of it, a tenth of one.
# Within a group nobody sees progress, and Ctrl-C has to wait.
MOST_STEPS = 32
DEFAULT_BATCH_SIZE = 32  # Keras's own, of arrays.
_OPERATIONS = 2e10  # A group's at most: a fifth of a second on two cores.
_HOOKS = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
)


@contextlib.contextmanager
def grouped(
    model: keras.Model, callbacks: Any, batch_size: int | None
) -> Iterator[None]:
    """Has `fit` run several steps in one call, where nobody could tell.

    It is as if `steps_per_execution` had been passed to `compile`: a progress
    bar moves on by several steps at once. A callback that looks at each step
    turns it off, unless it bears the attribute `steps_may_be_grouped`.

    Args:
        model: What `fit` trains.
        callbacks: What `fit` was given.
        batch_size: What `fit` was given.
    """
    before = model.steps_per_execution
    if before == 1 and not any(map(_looks_at_steps, _listed(callbacks))):
        model.steps_per_execution = steps_of_a_group(
            model, batch_size or DEFAULT_BATCH_SIZE
        )
    try:
        yield
    finally:
        model.steps_per_execution = before


def steps_of_a_group(model: keras.Model, batch_size: int) -> int:
    """Returns how many steps of a model run in well under a second.

    Args:
        model: A VAE.
        batch_size: Integer.
    """
    if not _is_dense(model):
        return 1
    samples = getattr(model.objective, "num_samples", 1)
    # Two operations for a weight forward, four backward.
    operations = 6.0 * model.count_params() * batch_size * samples
    return int(min(max(_OPERATIONS // max(operations, 1.0), 1), MOST_STEPS))


def _is_dense(model: keras.Model) -> bool:
    """Whether each weight is used once for an example.

    Those of convolutions and recurrent layers are used many times.
    """
    layers = model._flatten_layers()
    recurrent = any(isinstance(layer, keras.layers.RNN) for layer in layers)
    return not recurrent and all(
        len(weight.shape) <= 2 for weight in model.trainable_variables
    )


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
