"""The negative binomial likelihood."""

from typing import Any

from keras_vae.distributions import Distribution
from keras_vae.distributions import (
    NegativeBinomial as NegativeBinomialDistribution,
)
from keras_vae.distributions.bounds import positive_scale
from keras_vae.likelihoods.flexible import FlexibleLikelihood
from keras_vae.likelihoods.likelihood import registry
from keras_vae.likelihoods.poisson import LOG_RATE_LIMIT, CountsLikelihood
from keras_vae.types import Tensor

_LOG_DISPERSION_LIMIT = 10.0


@registry.register("negative_binomial")
class NegativeBinomial(CountsLikelihood, FlexibleLikelihood):
    """Negative binomial likelihood, for counts more variable than Poisson's.

    The variance is `rate + rate^2 / inverse_dispersion`. The rate is bounded
    smoothly between exp(-14) and exp(14), a learned inverse dispersion
    between exp(-10) and exp(10).
    Source: Lopez et al., 2018, equation 3,
    https://doi.org/10.1038/s41592-018-0229-2.

    Args:
        inverse_dispersion: Positive float, fixed; or one of `"shared"` (one
            learned for all elements), `"per_output"` (one learned for each
            element of x, such as a gene) and `"predicted"` (the decoder
            gives it for each element). Defaults to `"per_output"`.

    Input shape:
        `(batch, ...)`, the decoder's features.

    Output shape:
        `{"rate": (batch, *event_shape), "inverse_dispersion": ...}`, the
        second of a shape that broadcasts to that of `rate`.

    Raises:
        ValueError: if `inverse_dispersion` is neither a positive number nor
            one of the three words.

    Example:
    >>> likelihood = keras_vae.likelihoods.NegativeBinomial()
    """

    flexible = ("inverse_dispersion",)

    def __init__(
        self, inverse_dispersion: float | str = "per_output", **kwargs: Any
    ) -> None:
        self.inverse_dispersion = self._checked(
            "inverse_dispersion", inverse_dispersion
        )
        super().__init__(**kwargs)

    def call(self, features: Tensor) -> dict[str, Tensor]:
        (raw,), flexible = self._split(features)
        return {"rate": positive_scale(raw, LOG_RATE_LIMIT), **flexible}

    def _bound(self, name: str, raw: Tensor) -> Tensor:
        del name
        return positive_scale(raw, _LOG_DISPERSION_LIMIT)

    def distribution(self, parameters: dict[str, Tensor]) -> Distribution:
        return NegativeBinomialDistribution(
            **parameters, event_ndim=self.event_ndim
        )
