"""Adam's update with the choice of a finite step within it."""

from typing import Any

import keras
from keras import ops

from keras_vae.types import Tensor

# What changes the update, or adds to it.
_OPTIONS = (
    "clipnorm",
    "clipvalue",
    "global_clipnorm",
    "weight_decay",
    "use_ema",
    "loss_scale_factor",
    "gradient_accumulation_steps",
    "amsgrad",
)


def is_plain(optimizer: Any, weights: list[Any]) -> bool:
    """Whether it is Keras's own Adam of those weights, without options."""
    # What the public name makes is a class of the backend, of that name.
    kind = type(optimizer)
    is_adam = isinstance(optimizer, keras.optimizers.Adam)
    if not is_adam or kind.__name__ != "Adam":
        return False
    if not kind.__module__.startswith("keras."):
        return False
    if any(getattr(optimizer, name) for name in _OPTIONS):
        return False
    known = [id(variable) for variable in optimizer._trainable_variables]
    return known == [id(weight) for weight in weights] and not any(
        weight.constraint is not None or weight.overwrite_with_gradient
        for weight in weights
    )


def update_where(
    finite: Tensor, optimizer: Any, gradients: list[Tensor], weights: list[Any]
) -> None:
    """Updates weights and optimizer as `apply` does, where a step is finite.

    A choice between new values and old ones would read both. Here a step
    that is not finite has gradients and rates of 0, and leaves all as it is.
    Source: Kingma & Ba, 2015, section 2, https://arxiv.org/abs/1412.6980, in
    Keras's form, whose epsilon is added to an uncorrected root.

    Args:
        finite: Boolean scalar.
        optimizer: What `is_plain` is true of.
        gradients: One for each weight.
        weights: The variables to be updated.
    """
    kept = ops.cast(finite, "float32")
    step = ops.cast(optimizer.iterations + 1, "float32")
    power_1 = ops.power(ops.cast(optimizer.beta_1, "float32"), step)
    power_2 = ops.power(ops.cast(optimizer.beta_2, "float32"), step)
    rate = ops.cast(optimizer.learning_rate, "float32") * kept
    rate = rate * ops.sqrt(1.0 - power_2) / (1.0 - power_1)
    for weight, gradient, moment, square in zip(
        weights,
        gradients,
        optimizer._momentums,
        optimizer._velocities,
        strict=True,
    ):
        gradient = ops.where(finite, gradient, 0.0)
        moment.assign_add((gradient - moment) * ((1 - optimizer.beta_1) * kept))
        square.assign_add(
            (ops.square(gradient) - square) * ((1 - optimizer.beta_2) * kept)
        )
        weight.assign_sub(
            moment * rate / (ops.sqrt(square) + optimizer.epsilon)
        )
    optimizer.iterations.assign_add(
        ops.cast(finite, optimizer.iterations.dtype)
    )
