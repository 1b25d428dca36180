"""Schedules over training steps: of the KL weight, of a capacity."""

import math
import numbers
from typing import Any

import keras
from keras import ops

from keras_vae.types import Tensor
from keras_vae.validation import positive_int, require


class Schedule:
    """A number, such as the KL weight, that depends on the training step.

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
        self.value = weight("value", value)

    def __call__(self, step: Tensor) -> Tensor:
        del step
        return ops.full((), self.value, dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


class _Ramp(Schedule):
    """A way from `start` to `end` over `num_steps`, then flat."""

    def __init__(
        self, num_steps: int, start: float = 0.0, end: float = 1.0
    ) -> None:
        self.num_steps = positive_int(
            "num_steps",
            num_steps,
            f"Pass e.g. `{type(self).__name__}(num_steps=1000)`.",
        )
        self.start = weight("start", start)
        self.end = weight("end", end)

    def __call__(self, step: Tensor) -> Tensor:
        fraction = ops.cast(step, "float32") / float(self.num_steps)
        progress = self.progress(ops.minimum(fraction, 1.0))
        return self.start + (self.end - self.start) * progress

    def progress(self, fraction: Tensor) -> Tensor:
        """Maps the part of the steps that are done, 0 to 1, to 0 to 1."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {
            "num_steps": self.num_steps,
            "start": self.start,
            "end": self.end,
        }


@keras.saving.register_keras_serializable(package="keras_vae")
class Linear(_Ramp):
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

    def progress(self, fraction: Tensor) -> Tensor:
        return fraction


@keras.saving.register_keras_serializable(package="keras_vae")
class Cosine(_Ramp):
    """Half a cosine from `start` to `end` over `num_steps`, then flat.

    It starts and ends gently. Source: the shape is that of Loshchilov &
    Hutter, 2017, equation 5, https://arxiv.org/abs/1608.03983.

    Args:
        num_steps: Positive integer, training steps to reach `end`.
        start: Non-negative float, weight at step 0. Defaults to `0.0`.
        end: Non-negative float, weight from `num_steps` on. Defaults to
            `1.0`.

    Raises:
        ValueError: if `num_steps` is below 1 or a weight is negative.

    Example:
    >>> schedule = keras_vae.objectives.schedules.Cosine(num_steps=1000)
    """

    def progress(self, fraction: Tensor) -> Tensor:
        return 0.5 * (1.0 - ops.cos(math.pi * fraction))


@keras.saving.register_keras_serializable(package="keras_vae")
class Sigmoid(_Ramp):
    """A logistic curve from `start` to `end` over `num_steps`, then flat.

    It is stretched a little, so that it starts and ends exactly there.
    Source: Bowman et al., 2016, section 3.1, figure 2,
    https://arxiv.org/abs/1511.06349.

    Args:
        num_steps: Positive integer, training steps to reach `end`.
        start: Non-negative float, weight at step 0. Defaults to `0.0`.
        end: Non-negative float, weight from `num_steps` on. Defaults to
            `1.0`.
        steepness: Positive float, the logistic function's argument runs
            from `-steepness / 2` to `steepness / 2`. Defaults to `12.0`.

    Raises:
        ValueError: if `num_steps` is below 1, a weight is negative or
            `steepness` is not positive.

    Example:
    >>> schedule = keras_vae.objectives.schedules.Sigmoid(num_steps=1000)
    """

    def __init__(
        self,
        num_steps: int,
        start: float = 0.0,
        end: float = 1.0,
        steepness: float = 12.0,
    ) -> None:
        super().__init__(num_steps, start, end)
        self.steepness = weight("steepness", steepness)
        require(
            self.steepness > 0,
            "`steepness` must be above 0. Received: "
            f"steepness={steepness!r}. Pass e.g. `steepness=12.0`.",
        )

    def progress(self, fraction: Tensor) -> Tensor:
        # A logistic function is a hyperbolic tangent, which is odd.
        half = 0.25 * self.steepness
        curve = ops.tanh(half * (2.0 * fraction - 1.0)) / math.tanh(half)
        return 0.5 * (1.0 + curve)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "steepness": self.steepness}


@keras.saving.register_keras_serializable(package="keras_vae")
class Cyclical(_Ramp):
    """`num_cycles` straight lines from `start` to `end`, each then flat.

    After `num_steps` steps it stays at `end`.
    Source: Fu et al., 2019, https://arxiv.org/abs/1903.10145.

    Args:
        num_steps: Positive integer, training steps of all cycles.
        start: Non-negative float, weight where a cycle starts. Defaults to
            `0.0`.
        end: Non-negative float, weight where it ends. Defaults to `1.0`.
        num_cycles: Positive integer. Defaults to `4`.
        ramp_fraction: Float above 0 and at most 1, the part of a cycle that
            the line takes. Defaults to `0.5`.

    Raises:
        ValueError: if a number is below 1, a weight is negative or
            `ramp_fraction` is out of its range.

    Example:
    >>> schedule = keras_vae.objectives.schedules.Cyclical(num_steps=10_000)
    """

    def __init__(
        self,
        num_steps: int,
        start: float = 0.0,
        end: float = 1.0,
        num_cycles: int = 4,
        ramp_fraction: float = 0.5,
    ) -> None:
        super().__init__(num_steps, start, end)
        fix = "Pass e.g. `Cyclical(num_steps=1000, num_cycles=4)`."
        self.num_cycles = positive_int("num_cycles", num_cycles, fix)
        self.ramp_fraction = weight("ramp_fraction", ramp_fraction)
        require(
            0.0 < self.ramp_fraction <= 1.0,
            "`ramp_fraction` must be above 0 and at most 1. Received: "
            f"ramp_fraction={ramp_fraction!r}. Pass e.g. "
            "`ramp_fraction=0.5`.",
        )

    def progress(self, fraction: Tensor) -> Tensor:
        cycles = fraction * float(self.num_cycles)
        within = (cycles - ops.floor(cycles)) / self.ramp_fraction
        return ops.where(fraction < 1.0, ops.minimum(within, 1.0), 1.0)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_cycles": self.num_cycles,
            "ramp_fraction": self.ramp_fraction,
        }


def get(value: float | Schedule, name: str = "kl_weight") -> Schedule:
    """Returns a schedule: `value` itself, or a constant.

    Args:
        value: Number or `Schedule`.
        name: The argument's name, for the message.

    Raises:
        TypeError: if `value` is neither a number nor a `Schedule`.
        ValueError: if the number is negative or not finite.
    """
    if isinstance(value, Schedule):
        return value
    return Constant(weight(name, value, "a number or a schedule"))


def weight(name: str, value: Any, expected: str = "a number") -> float:
    """Returns `value` as a float, if it is a finite number of at least 0.

    Args:
        name: The argument's name, for the message.
        value: What the caller passed.
        expected: What it must be, for the message.

    Raises:
        TypeError: if it is no number.
        ValueError: if it is negative or not finite.
    """
    fix = f"Pass e.g. `{name}=1.0`."
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(
            f"`{name}` must be {expected}. Received: "
            f"{name}={value!r} of type {type(value).__name__}. {fix}"
        )
    number = float(value)
    require(
        math.isfinite(number) and number >= 0,
        f"`{name}` must be finite and at least 0. "
        f"Received: {name}={value!r}. {fix}",
    )
    return number
