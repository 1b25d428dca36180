"""The Poisson likelihood."""

import numpy as np

from keras_vae.distributions import Poisson as PoissonDistribution
from keras_vae.distributions.bounds import positive_scale
from keras_vae.likelihoods.grid import LARGEST_COUNT, off_counts
from keras_vae.likelihoods.likelihood import Likelihood, registry
from keras_vae.types import Tensor

# exp(14) = 1.2 million bounds every rate.
LOG_RATE_LIMIT = 14.0


class CountsLikelihood(Likelihood):
    """A likelihood over counts: its support."""

    support = f"whole numbers from 0 to {LARGEST_COUNT:,}"
    remedy = (
        "Pass raw counts, neither normalised nor transformed, or use "
        "`likelihoods.Normal()` for other numbers."
    )

    def outside_support(self, x: np.ndarray) -> np.ndarray:
        return off_counts(x)


@registry.register("poisson")
class Poisson(CountsLikelihood):
    """Poisson likelihood, for counts as variable as their mean.

    The rate is bounded smoothly between exp(-14) and exp(14); it is 1 where
    the features are 0. For counts in the thousands, give the decoder's last
    layer a bias near their logarithm, or divide by a unit.
    Source: Nazabal et al., 2020, section 3.1 (count data),
    https://arxiv.org/abs/1807.03653.

    Input shape:
        `(batch, ...)`, the decoder's features.

    Output shape:
        `{"rate": (batch, *event_shape)}`.

    Example:
    >>> likelihood = keras_vae.likelihoods.Poisson()
    """

    def call(self, features: Tensor) -> dict[str, Tensor]:
        raw = self.head(features)[0]
        return {"rate": positive_scale(raw, LOG_RATE_LIMIT)}

    def distribution(
        self, parameters: dict[str, Tensor]
    ) -> PoissonDistribution:
        return PoissonDistribution(parameters["rate"], self.event_ndim)
