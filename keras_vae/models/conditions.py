"""Conditions: labels or vectors, and the networks that take them."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vae.models import checks
from keras_vae.types import Shape, Tensor
from keras_vae.validation import require

NAME = "condition"


def paired(network: keras.Model, first: Tensor, condition: Tensor) -> Any:
    """Returns both inputs in the structure that a network takes.

    Args:
        network: Functional model with the inputs `[first, condition]`, or
            with a dictionary of them; or another that takes such a list.
        first: Tensor, x or z.
        condition: Tensor `(batch, condition_dim)`.
    """
    names = _names_of_inputs(network)
    if not names:
        return [first, condition]
    name = next(name for name in names if name != NAME)
    return {name: first, NAME: condition}


def _names_of_inputs(network: keras.Model) -> dict[str, Any]:
    """Returns a functional model's inputs by name, where it names them."""
    inputs = getattr(network, "input", None)
    return inputs if isinstance(inputs, dict) else {}


def input_shapes_of(name: str, network: Any) -> tuple[Shape, int]:
    """Returns the shape of a network's first input and its condition's size.

    Raises:
        ValueError: if the network has not the two inputs.
    """
    named = _names_of_inputs(network)
    shapes: Any = {key: tuple(one.shape) for key, one in named.items()}
    shapes = shapes or checks.recorded_input_shape(network)
    if isinstance(shapes, dict):
        others = [value for key, value in shapes.items() if key != NAME]
        shapes = [*others, *([shapes[NAME]] if NAME in shapes else [])]
    pair = isinstance(shapes, (list, tuple)) and len(shapes) == 2
    pair = pair and all(isinstance(shape, (list, tuple)) for shape in shapes)
    require(
        pair and len(shapes[1]) == 2 and isinstance(shapes[1][1], int),
        f"`{name}` must have two inputs, the second a condition of shape "
        f"(batch, condition_dim). Received: {name}.input_shape={shapes!r}. "
        f"Build it with e.g. `networks.mlp_{name}(..., condition_dim=10)`.",
    )
    return checks.fixed_shape(name, shapes[0]), int(shapes[1][1])


def check_values(
    condition: Any, condition_dim: int, num_examples: int | None = None
) -> None:
    """Raises unless an array can be the condition.

    Args:
        condition: Labels `(batch,)` or `(batch, 1)`, or vectors `(batch,
            condition_dim)`.
        condition_dim: Integer, the number of classes or the vectors' size.
        num_examples: Integer that `batch` must be, or `None` for any.

    Raises:
        ValueError: with the value that was got, and how to fix it.
    """
    fix = (
        f"Pass labels from 0 to {condition_dim - 1}, one an example, or "
        f"vectors of shape (batch, {condition_dim})."
    )
    require(
        condition is not None,
        "`condition` must be given to a ConditionalVAE. Received: "
        f"condition=None. {fix} E.g. `fit(x, labels)`, `encode(x, "
        "condition=labels)`.",
    )
    shape = tuple(np.shape(condition))
    count = shape[0] if shape else None
    fits = len(shape) == 1 or (
        len(shape) == 2 and shape[1] in (1, condition_dim)
    )
    require(
        fits and (num_examples is None or count == num_examples),
        "`condition` must hold one label or vector for each of the "
        f"{num_examples or count} examples. Received: condition.shape={shape}"
        f". {fix}",
    )
    _check_numbers(condition, condition_dim, fix)


def _check_numbers(condition: Any, condition_dim: int, fix: str) -> None:
    values = _as_array(condition)
    require(
        values.dtype.kind in "fiub" and bool(np.isfinite(values).all()),
        "`condition` must hold finite numbers. Received: "
        f"{values.ravel()[:3]} of dtype {values.dtype}. {fix}",
    )
    if not are_labels(values.shape, condition_dim):
        return
    bad = (values != np.floor(values)) | (values < 0)
    bad |= values >= condition_dim
    if bad.any():
        place = int(np.argmax(bad.ravel()))
        raise ValueError(
            "`condition` must hold labels of the "
            f"{condition_dim} classes. Received: condition[{place}]="
            f"{values.ravel()[place]}. {fix}"
        )


def _as_array(condition: Any) -> np.ndarray:
    if isinstance(condition, (list, tuple, int, float)):
        return np.asarray(condition)
    return np.asarray(ops.convert_to_numpy(condition))


def are_labels(shape: Any, condition_dim: int) -> bool:
    """Whether conditions of this shape are labels rather than vectors."""
    return condition_dim > 1 and (len(shape) == 1 or shape[1] == 1)


def as_vectors(condition: Any, condition_dim: int) -> Tensor:
    """Returns float32 vectors `(batch, condition_dim)`: labels one-hot."""
    if are_labels(condition.shape, condition_dim):
        labels = ops.cast(ops.reshape(condition, (-1,)), "int32")
        return ops.one_hot(labels, condition_dim, dtype="float32")
    vectors = ops.cast(condition, "float32")
    return ops.reshape(vectors, (-1, condition_dim))


def for_samples(
    condition: Any, condition_dim: int, num_samples: int
) -> np.ndarray:
    """Returns the vectors of generated samples, `(num_samples, ...)`.

    Args:
        condition: One label, one vector, or one of them for each sample.
        condition_dim: Integer.
        num_samples: Integer.

    Raises:
        ValueError: as `check_values`.
    """
    if condition is not None:
        condition = _as_array(condition)
        if condition.ndim == 0:
            condition = condition[None]
        if len(condition) == 1:
            condition = np.repeat(condition, num_samples, axis=0)
    check_values(condition, condition_dim, num_samples)
    vectors = as_vectors(ops.convert_to_tensor(condition), condition_dim)
    return np.asarray(ops.convert_to_numpy(vectors))
