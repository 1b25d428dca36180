"""The zero-inflated negative binomial likelihood."""

from keras_vae.distributions import Distribution
from keras_vae.distributions import (
    ZeroInflatedNegativeBinomial as ZeroInflatedDistribution,
)
from keras_vae.distributions.bounds import positive_scale
from keras_vae.likelihoods.likelihood import registry
from keras_vae.likelihoods.negative_binomial import NegativeBinomial
from keras_vae.likelihoods.poisson import LOG_RATE_LIMIT
from keras_vae.types import Tensor


@registry.register("zero_inflated_negative_binomial")
class ZeroInflatedNegativeBinomial(NegativeBinomial):
    """Negative binomial likelihood with additional zeros (dropouts).

    Bounds are those of `NegativeBinomial`; the decoder gives the log-odds of
    an additional zero for each element.
    Source: Lopez et al., 2018, equations 2 and 3,
    https://doi.org/10.1038/s41592-018-0229-2.

    Args:
        inverse_dispersion: Positive float, fixed; or one of `"shared"` (one
            learned for all elements), `"per_output"` (one learned for each
            element of x, such as a gene) and `"predicted"` (the decoder
            gives it for each element). Defaults to `"per_output"`.

    Input shape:
        `(batch, ...)`, the decoder's features.

    Output shape:
        `{"rate": (batch, *event_shape), "zero_logits": as "rate",
        "inverse_dispersion": ...}`, the last of a shape that broadcasts to
        that of `rate`.

    Raises:
        ValueError: if `inverse_dispersion` is neither a positive number nor
            one of the three words.

    Example:
    >>> likelihood = keras_vae.likelihoods.ZeroInflatedNegativeBinomial()
    """

    num_parameters = 2

    def call(self, features: Tensor) -> dict[str, Tensor]:
        (raw, zero_logits), flexible = self._split(features)
        rate = positive_scale(raw, LOG_RATE_LIMIT)
        return {"rate": rate, "zero_logits": zero_logits, **flexible}

    def distribution(self, parameters: dict[str, Tensor]) -> Distribution:
        return ZeroInflatedDistribution(
            **parameters, event_ndim=self.event_ndim
        )
