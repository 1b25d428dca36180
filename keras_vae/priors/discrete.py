"""What the priors of discrete latents share."""

import math
import numbers
from typing import Any

import numpy as np
from keras import ops

from keras_vae.distributions.bounds import bounded
from keras_vae.priors.prior import Prior
from keras_vae.types import Shape, Tensor
from keras_vae.validation import require

# Learned logits stay between these limits: the posteriors' too.
LOGIT_LIMIT = 10.0


class Discrete(Prior):
    """A prior of discrete variables, fixed or learned, maybe relaxed.

    Args:
        learned: Boolean, whether the logits are trained.
        temperature: Positive number that relaxes `distribution()`, or
            `None`.

    Raises:
        TypeError: if `temperature` is neither a number nor `None`.
        ValueError: if `temperature` is not positive and finite.
    """

    def __init__(
        self, learned: bool, temperature: float | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.learned = bool(learned)
        self.temperature = _check_temperature(temperature)

    def add_logits(self, shape: Shape) -> None:
        """Creates the logits, zeros at the start."""
        self.raw_logits: Any = np.zeros(shape, dtype="float32")
        if self.learned:
            self.raw_logits = self.add_weight(
                name="raw_logits", shape=shape, initializer="zeros"
            )

    @property
    def logits(self) -> Tensor:
        """The logits, between -10 and 10."""
        return bounded(ops.convert_to_tensor(self.raw_logits), LOGIT_LIMIT)

    @property
    def num_normals(self) -> int:
        return 0

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "learned": self.learned,
            "temperature": self.temperature,
        }


def _check_temperature(temperature: Any) -> float | None:
    fix = "Pass e.g. `temperature=0.5`, or `None` for a discrete prior."
    message = (
        "`temperature` must be a positive finite number or None. Received: "
        f"temperature={temperature!r} of type {type(temperature).__name__}. "
        f"{fix}"
    )
    if temperature is None:
        return None
    if isinstance(temperature, bool) or not isinstance(
        temperature, numbers.Real
    ):
        raise TypeError(message)
    require(math.isfinite(temperature) and float(temperature) > 0, message)
    return float(temperature)


def softmax_rows(logits: Tensor) -> np.ndarray:
    """Returns the softmax of each row in float64, in NumPy."""
    values = np.asarray(ops.convert_to_numpy(logits), dtype="float64")
    weights = np.exp(values - values.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
