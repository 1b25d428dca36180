"""The beta likelihood."""

from typing import Any

import numpy as np
from keras import ops

from keras_vae.distributions import Beta as BetaDistribution
from keras_vae.distributions.bounds import bounded, positive_scale
from keras_vae.likelihoods.flexible import FlexibleLikelihood
from keras_vae.likelihoods.likelihood import registry
from keras_vae.types import Tensor

_LOGIT_LIMIT = 7.0


@registry.register("beta")
class Beta(FlexibleLikelihood):
    """Beta likelihood, for rates strictly between 0 and 1.

    The mean is bounded smoothly between 0.0009 and 0.9991, a learned
    concentration between 0.002 and 2,193; it starts at 2, where a mean of
    1/2 is the uniform distribution.
    Source: Ferrari & Cribari-Neto, 2004, equation 4 (mean and
    concentration), https://doi.org/10.1080/0266476042000214501.

    Args:
        concentration: Positive float, fixed; or one of `"shared"` (one
            learned for all elements), `"per_output"` (one learned for each
            element of x) and `"predicted"` (the decoder gives it for each
            element). Defaults to `"predicted"`.

    Input shape:
        `(batch, ...)`, the decoder's features.

    Output shape:
        `{"loc": (batch, *event_shape), "concentration": ...}`, the second
        of a shape that broadcasts to that of `loc`.

    Raises:
        ValueError: if `concentration` is neither a positive number nor one
            of the three words.

    Example:
    >>> likelihood = keras_vae.likelihoods.Beta()
    """

    flexible = ("concentration",)
    support = "numbers strictly between 0 and 1"
    remedy = (
        "Move the ends inside with `(x * (n - 1) + 0.5) / n`, n the number of "
        "examples, or use `likelihoods.ContinuousBernoulli()`, which admits "
        "them."
    )
    filler = 0.5

    def __init__(
        self, concentration: float | str = "predicted", **kwargs: Any
    ) -> None:
        self.concentration = self._checked("concentration", concentration)
        super().__init__(**kwargs)

    def call(self, features: Tensor) -> dict[str, Tensor]:
        (logits,), flexible = self._split(features)
        return {"loc": ops.sigmoid(bounded(logits, _LOGIT_LIMIT)), **flexible}

    def _bound(self, name: str, raw: Tensor) -> Tensor:
        del name
        return 2.0 * positive_scale(raw)

    def distribution(self, parameters: dict[str, Tensor]) -> BetaDistribution:
        return BetaDistribution(**parameters, event_ndim=self.event_ndim)

    def outside_support(self, x: np.ndarray) -> np.ndarray:
        # A float64 beside 1 is 1 in float32.
        x = np.asarray(x, dtype="float32")
        return (x <= 0) | (x >= 1)
