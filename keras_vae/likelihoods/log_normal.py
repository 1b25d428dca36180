"""The log-normal likelihood."""

import numpy as np
from keras import ops

from keras_vae.distributions import LogNormal as LogNormalDistribution
from keras_vae.distributions.bounds import bounded
from keras_vae.likelihoods.likelihood import registry
from keras_vae.likelihoods.location_scale import LocationScale
from keras_vae.types import Tensor

# Together they keep the mean, exp(loc + scale^2 / 2), below 1e25.
_LOC_LIMIT = 30.0
_LOG_SCALE_CENTRE, _LOG_SCALE_LIMIT = -2.5, 4.5


@registry.register("log_normal")
class LogNormal(LocationScale):
    """Log-normal likelihood, for positive numbers such as amounts.

    The mean of log x is bounded smoothly between -30 and 30, a learned scale
    between exp(-7) and exp(2), so that the mean of x stays finite.
    Source: Nazabal et al., 2020, section 3.1 (positive real data),
    https://arxiv.org/abs/1807.03653.

    Args:
        scale: Positive float, a fixed standard deviation of log x; or one of
            `"shared"` (one learned for all elements), `"per_output"` (one
            learned for each element of x) and `"predicted"` (the decoder
            gives it for each element). Defaults to `1.0`.

    Input shape:
        `(batch, ...)`, the decoder's features.

    Output shape:
        `{"loc": (batch, *event_shape), "scale": ...}`, the scale of a
        shape that broadcasts to that of `loc`.

    Raises:
        ValueError: if `scale` is neither a positive number nor one of the
            three words.

    Example:
    >>> likelihood = keras_vae.likelihoods.LogNormal(scale="shared")
    """

    distribution_class = LogNormalDistribution
    support = "positive finite numbers"
    remedy = (
        "Take `likelihoods.Normal()` for data with zeros or negative numbers, "
        "or shift amounts by their unit, e.g. `x + 1`."
    )
    filler = 1.0

    def call(self, features: Tensor) -> dict[str, Tensor]:
        parameters = super().call(features)
        return {**parameters, "loc": bounded(parameters["loc"], _LOC_LIMIT)}

    def _bound(self, name: str, raw: Tensor) -> Tensor:
        del name
        raised = bounded(raw - _LOG_SCALE_CENTRE, _LOG_SCALE_LIMIT)
        return ops.exp(raised + _LOG_SCALE_CENTRE)

    def outside_support(self, x: np.ndarray) -> np.ndarray:
        return (x <= 0) | np.isinf(x)
