"""Schedules of the KL weight over training steps."""

import math
from typing import Any

import keras
from keras import ops

from keras_vae.types import Tensor
from keras_vae.validation import positive_int, require


class Schedule:
    """A weight that depends on the training step.

    It is called inside the compiled step with the VAE's own step counter, a
    weight, so that it keeps moving after compilation and is saved with the
    model.
    """

    def __call__(self, step: Tensor) -> Tensor:
        """Returns the weight, a float32 scalar, at `step` (from 0)."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Schedule":
        """Makes the schedule from `get_config`'s arguments."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="keras_vae")
class Constant(Schedule):
    """The same weight at every step.

    Args:
        value: Non-negative float.

    Raises:
        ValueError: if `value` is negative or not finite.
    """

    def __init__(self, value: float = 1.0) -> None:
        self.value = _weight("value", value)

    def __call__(self, step: Tensor) -> Tensor:
        del step
        return ops.full((), self.value, dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


@keras.saving.register_keras_serializable(package="keras_vae")
class Linear(Schedule):
    """A straight line from `start` to `end` over `num_steps`, then flat.

    KL warm-up. Source: Sonderby et al., 2016, section 2.3,
    https://arxiv.org/abs/1602.02282.

    Args:
        num_steps: Positive integer, training steps to reach `end`.
        start: Non-negative float, weight at step 0. Defaults to `0.0`.
        end: Non-negative float, weight from `num_steps` on. Defaults to
            `1.0`.

    Raises:
        ValueError: if `num_steps` is below 1 or a weight is negative.

    Example:
    >>> objective = keras_vae.objectives.ELBO(
    ...     kl_weight=keras_vae.objectives.schedules.Linear(num_steps=1000)
    ... )
    """

    def __init__(
        self, num_steps: int, start: float = 0.0, end: float = 1.0
    ) -> None:
        self.num_steps = positive_int(
            "num_steps", num_steps, "Pass e.g. `Linear(num_steps=1000)`."
        )
        self.start = _weight("start", start)
        self.end = _weight("end", end)

    def __call__(self, step: Tensor) -> Tensor:
        fraction = ops.cast(step, "float32") / float(self.num_steps)
        fraction = ops.minimum(fraction, 1.0)
        return self.start + (self.end - self.start) * fraction

    def get_config(self) -> dict[str, Any]:
        return {
            "num_steps": self.num_steps,
            "start": self.start,
            "end": self.end,
        }


def get(value: float | Schedule) -> Schedule:
    """Returns a schedule: `value` itself, or a constant.

    Raises:
        TypeError: if `value` is neither a number nor a `Schedule`.
        ValueError: if the number is negative or not finite.
    """
    if isinstance(value, Schedule):
        return value
    return Constant(_weight("kl_weight", value))


def _weight(name: str, value: Any) -> float:
    fix = f"Pass e.g. `{name}=1.0`."
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(
            f"`{name}` must be a number or a schedule. Received: "
            f"{name}={value!r} of type {type(value).__name__}. {fix}"
        )
    require(
        math.isfinite(value) and value >= 0,
        f"`{name}` must be finite and at least 0. "
        f"Received: {name}={value!r}. {fix}",
    )
    return float(value)
