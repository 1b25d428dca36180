"""What the relaxed discrete posteriors share."""

import math
import numbers
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_vae.posteriors.posterior import Posterior
from keras_vae.types import Tensor
from keras_vae.validation import require

# The logits' limit: probabilities from 2e-9 on.
LOGIT_LIMIT = 10.0
# A schedule's temperatures never fall below it.
_COLDEST = 0.01


class Relaxed(Posterior):
    """A posterior whose discrete samples are relaxed, to be differentiated.

    Args:
        latent_dim: Integer, number of latent dimensions.
        temperature: Positive number, or a `Schedule` of training steps.
        straight_through: Boolean, whether samples are discrete and only
            their gradient is relaxed.
        discrete_kl: Boolean, whether relaxed samples meet the KL of the
            discrete variables.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if an argument is out of its range, or `discrete_kl` is
            given to straight-through samples, whose KL is discrete anyway.
    """

    def __init__(
        self,
        latent_dim: int,
        temperature: Any,
        straight_through: bool,
        discrete_kl: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(latent_dim, **kwargs)
        self.temperature = check_temperature(temperature)
        self.straight_through = bool(straight_through)
        self.discrete_kl = bool(discrete_kl)
        require(
            not (self.straight_through and self.discrete_kl),
            "`discrete_kl` must be False where samples are discrete: their "
            "KL is. Received: discrete_kl=True, straight_through=True. Pass "
            "`straight_through=False`, or leave `discrete_kl` out.",
        )
        self._step: Callable[[], Tensor] = _first_step

    def attach(self, step: Callable[[], Tensor]) -> None:
        self._step = step

    def current_temperature(self) -> Tensor:
        """The temperature at the VAE's training step, a float32 scalar."""
        if isinstance(self.temperature, float):
            return ops.full((), self.temperature, dtype="float32")
        return ops.maximum(self.temperature(self._step()), _COLDEST)

    def get_config(self) -> dict[str, Any]:
        temperature = self.temperature
        if not isinstance(temperature, float):
            temperature = keras.saving.serialize_keras_object(temperature)
        return {
            **super().get_config(),
            "temperature": temperature,
            "straight_through": self.straight_through,
            "discrete_kl": self.discrete_kl,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Relaxed":
        """Makes the posterior from `get_config`'s arguments."""
        config = dict(config)
        for name in ("temperature", "dtype"):
            if isinstance(config.get(name), dict):
                config[name] = keras.saving.deserialize_keras_object(
                    config[name]
                )
        return cls(**config)


def _first_step() -> Tensor:
    return ops.zeros((), dtype="int32")


def check_temperature(temperature: Any) -> Any:
    """Returns a temperature: a positive float, or a schedule.

    Raises:
        TypeError: if it is neither a number nor a function.
        ValueError: if the number is not positive and finite.
    """
    fix = "Pass e.g. `temperature=0.5`."
    if callable(temperature) and hasattr(temperature, "get_config"):
        return temperature
    if isinstance(temperature, bool) or not isinstance(
        temperature, numbers.Real
    ):
        raise TypeError(
            "`temperature` must be a number or a schedule. Received: "
            f"temperature={temperature!r} of type "
            f"{type(temperature).__name__}. {fix}"
        )
    require(
        math.isfinite(temperature) and float(temperature) > 0,
        "`temperature` must be positive and finite. Received: "
        f"temperature={temperature!r}. {fix}",
    )
    return float(temperature)
