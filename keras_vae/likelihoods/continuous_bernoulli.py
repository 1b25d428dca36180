"""The continuous Bernoulli likelihood."""

import numpy as np

from keras_vae.distributions import (
    ContinuousBernoulli as ContinuousBernoulliDistribution,
)
from keras_vae.likelihoods.likelihood import Likelihood, registry
from keras_vae.types import Tensor


@registry.register("continuous_bernoulli")
class ContinuousBernoulli(Likelihood):
    """Continuous Bernoulli likelihood, for grey levels in [0, 1].

    It is the Bernoulli cross-entropy on grey levels with the normaliser that
    makes it a density.
    Source: Loaiza-Ganem & Cunningham, 2019, section 3,
    https://arxiv.org/abs/1907.06845.

    Input shape:
        `(batch, ...)`, the decoder's features.

    Output shape:
        `{"logits": (batch, *event_shape)}`.

    Example:
    >>> likelihood = keras_vae.likelihoods.ContinuousBernoulli()
    """

    support = "values in [0, 1]"
    remedy = (
        "Scale 8-bit images with `x / 255`, or use `likelihoods.Normal()` for "
        "data without bounds."
    )

    def call(self, features: Tensor) -> dict[str, Tensor]:
        return {"logits": self.head(features)[0]}

    def distribution(
        self, parameters: dict[str, Tensor]
    ) -> ContinuousBernoulliDistribution:
        return ContinuousBernoulliDistribution(
            parameters["logits"], self.event_ndim
        )

    def outside_support(self, x: np.ndarray) -> np.ndarray:
        return (x < 0) | (x > 1)
