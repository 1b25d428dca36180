"""Checks of training data before any training starts."""

import copy
import itertools
import math
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_vae.likelihoods import Likelihood
from keras_vae.types import Shape
from keras_vae.validation import require

_VALUES = 2**16  # Checked at a time: they and their masks stay in the cache.


def unpack(data: Any) -> tuple[Any, Any, Any]:
    """Returns `(x, y, sample_weight)` of one batch, `None` where absent."""
    return keras.utils.unpack_x_y_sample_weight(data)


def flat_weight(sample_weight: Any) -> Any:
    """Returns weights of shape `(batch,)`; a last axis of 1 is dropped.

    Raises:
        ValueError: if there is not one weight for each example.
    """
    shape = tuple(sample_weight.shape)
    if len(shape) == 2 and shape[1] == 1:
        return keras.ops.squeeze(sample_weight, axis=1)
    if len(shape) == 1:
        return sample_weight
    raise ValueError(
        "`sample_weight` must have shape (batch,). Received: "
        f"sample_weight.shape={shape}. Pass one weight for each example, "
        "e.g. `sample_weight=numpy.ones(len(x))`."
    )


def targets_for(
    x: Any, y: Any, sample_weight: Any, class_weight: Any = None
) -> Any:
    """Returns `y`, or zeros where Keras would lose weights without one.

    Raises:
        ValueError: if there are weights of classes, but no classes.
    """
    if y is not None or not is_array(x):
        return y
    if class_weight is not None:
        raise ValueError(
            "`y` must hold each example's class where `class_weight` is "
            f"given. Received: y=None, class_weight={class_weight!r}. Pass "
            "e.g. `fit(x, y, class_weight={0: 1.0, 1: 2.0})`."
        )
    if sample_weight is None:
        return None
    return np.zeros(int(x.shape[0]), dtype="float32")


def is_array(x: Any) -> bool:
    """Whether `x` is an array or a tensor of any backend."""
    return hasattr(x, "shape") and hasattr(x, "dtype")


def check_shape(x: Any, event_shape: Shape, name: str = "x") -> None:
    """Raises unless `x` has shape `(batch, *event_shape)`.

    Raises:
        ValueError: with the shape that was got, the one that was expected,
            and a way to fix it.
    """
    shape = tuple(x.shape)
    expected = ", ".join(map(str, event_shape))
    if len(shape) == len(event_shape) + 1 and shape[1:] == event_shape:
        return
    raise ValueError(
        f"`{name}` must have shape (batch, {expected}). "
        f"Received: {name}.shape={shape}. "
        f"{_shape_fix(name, shape, event_shape)}"
    )


def _shape_fix(name: str, shape: Shape, event_shape: Shape) -> str:
    if shape == event_shape:
        return f"Add a batch axis: `{name}[None]`."
    if shape[1:] == event_shape[:-1] and event_shape[-1] == 1:
        return f"Add the channel axis: `{name}[..., None]`."
    if len(shape) != len(event_shape) + 1:
        return f"Reshape it: `{name}.reshape((-1, {str(event_shape)[1:]})`."
    if len(event_shape) == 1:
        return f"Pass {event_shape[0]} numbers for each example."
    return (
        "Pass images of that size and channel count, or build the encoder "
        f"for `input_shape={shape[1:]}`."
    )


def check_array(x: Any, likelihood: Likelihood, event_shape: Shape) -> None:
    """Checks the shape and every value of an array, in chunks.

    Raises:
        ValueError: as `check_shape` and `Likelihood.check_support`.
    """
    check_shape(x, event_shape)
    chunk = max(_VALUES // max(math.prod(event_shape), 1), 1)
    # Of small chunks Keras's conversion would take a third of the time.
    in_numpy = isinstance(x, np.ndarray)
    to_numpy = np.asarray if in_numpy else keras.ops.convert_to_numpy
    for start in range(0, int(x.shape[0]), chunk):
        values = np.asarray(to_numpy(x[start : start + chunk]))
        if values.dtype.kind not in "fiub":
            values = values.astype("float32")
        likelihood.check_support(values, first=start)


class Checks(NamedTuple):
    """What a model asks of its data."""

    likelihood: Likelihood
    event_shape: Shape
    check_condition: Callable[[Any, int], None]

    def __call__(self, x: Any, y: Any) -> None:
        """Raises unless one array of examples, and its y, suit."""
        check_array(x, self.likelihood, self.event_shape)
        require(
            int(x.shape[0]) > 0,
            "`x` must hold at least one example. Received: "
            f"x.shape={tuple(x.shape)}. Pass e.g. `x[:1]` of more data.",
        )
        self.check_condition(y, int(x.shape[0]))


def check_data(data: Any, y: Any, checks: Checks) -> Any:
    """Checks arrays whole and streams by their first batch.

    Args:
        data: What Keras's `fit` takes as `x`.
        y: What it takes as `y`, beside an array.
        checks: What the model asks of both.

    Returns:
        `data`, or what gives the same batches in a form that Keras takes.

    Raises:
        ValueError: if a shape or a value does not suit the model.
    """
    if is_array(data):
        checks(data, y)
        return data
    if isinstance(data, types.GeneratorType):
        first = next(data, None)
        if first is not None:
            _check_batch(first, checks)
        return _chain(first, data)
    first = _first_batch(data)
    _check_batch(first, checks)
    if hasattr(data, "collate_fn") and is_array(first):
        return _in_tuples(data)
    return data


def _check_batch(batch: Any, checks: Checks) -> None:
    x, y, _ = unpack(tuple(batch) if isinstance(batch, list) else batch)
    if is_array(x):
        checks(x, y)


def _first_batch(data: Any) -> Any:
    if isinstance(data, keras.utils.PyDataset):
        return data[0]
    is_stream = hasattr(data, "__iter__")
    if isinstance(data, (list, tuple, dict, str)) or not is_stream:
        raise TypeError(
            "`x` must be an array, a tensor, a `keras.utils.PyDataset`, a "
            "`tf.data.Dataset`, a `torch` DataLoader or a generator. "
            f"Received: x of type {type(data).__name__}. Pass e.g. "
            "`numpy.asarray(x)`."
        )
    return next(iter(data), None)


def _chain(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    # Keras takes tuples alone from a generator.
    for batch in itertools.chain([] if first is None else [first], rest):
        yield batch if isinstance(batch, (tuple, list)) else (batch,)


def _in_tuples(loader: Any) -> Any:
    """A `torch` DataLoader whose batches x become `(x,)`, as Keras wants."""
    loader = copy.copy(loader)
    loader.collate_fn = _Collate(loader.collate_fn)
    return loader


class _Collate:
    """Wraps a batch in a tuple; a class, so that loader workers take it."""

    def __init__(self, collate: Callable[[Any], Any]) -> None:
        self.collate = collate

    def __call__(self, examples: Any) -> tuple[Any]:
        return (self.collate(examples),)
