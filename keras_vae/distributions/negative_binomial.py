"""The negative binomial distribution with independent elements."""

import math
from typing import Any

from keras import ops

from keras_vae.distributions.draws import log_gammas, poissons, split_seed
from keras_vae.distributions.elementwise import Elementwise
from keras_vae.distributions.special import deviance, log1p, stirling_error
from keras_vae.types import Tensor

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
_LARGEST_RATE = 1e7


class NegativeBinomial(Elementwise):
    """Negative binomial distribution over counts, by mean and dispersion.

    It is a Poisson distribution whose rate has a gamma distribution; its
    variance is `rate + rate^2 / inverse_dispersion`.
    Source: Lopez et al., 2018, supplementary note 2 (the parameters),
    https://doi.org/10.1038/s41592-018-0229-2; Loader, 2000, equation 3 (the
    mass without cancellation).

    Args:
        rate: Positive tensor of shape `batch_shape + event_shape`, the mean,
            up to 1e6.
        inverse_dispersion: Positive tensor that broadcasts to the shape of
            `rate`, the shape of the gamma distribution, up to 1e6.
        event_ndim: Integer, trailing dimensions that form one event.
            Defaults to `1`.

    Output shape:
        `log_prob(x)`: `batch_shape`, in nats, summed over the event.

    Raises:
        ValueError: if `event_ndim` exceeds the rank of `rate`.

    Example:
    >>> rate = keras.ops.ones((2, 3))
    >>> p = keras_vae.distributions.NegativeBinomial(rate, 1.0)
    >>> p.log_prob(keras.ops.ones((2, 3))).shape
    (2,)
    """

    reference_measure = "counting"
    rate: Tensor
    inverse_dispersion: Tensor

    def __init__(
        self, rate: Tensor, inverse_dispersion: Tensor, event_ndim: int = 1
    ) -> None:
        self._set_parameters(
            event_ndim, rate=rate, inverse_dispersion=inverse_dispersion
        )

    def _log_prob(self, x: Tensor) -> Tensor:
        return log_negative_binomial(x, self.rate, self.inverse_dispersion)

    def mean(self) -> Tensor:
        return self.rate

    def mode(self) -> Tensor:
        # floor(rate (1 - 1 / inverse_dispersion)), at least 0
        shrunk = self.rate * (1.0 - 1.0 / self.inverse_dispersion)
        return ops.maximum(ops.floor(shrunk), 0.0)

    def sample(
        self, num_samples: int | None = None, seed: Any = None
    ) -> Tensor:
        first, second = split_seed(seed, 2)
        shape = self._sample_shape(num_samples)
        log_gamma = log_gammas(shape, self.inverse_dispersion, first)
        log_scale = ops.log(self.rate) - ops.log(self.inverse_dispersion)
        rates = ops.exp(ops.minimum(log_gamma + log_scale, 80.0))
        rates = ops.clip(rates, 1e-30, _LARGEST_RATE)
        return poissons(shape, rates, second)


def log_negative_binomial(x: Tensor, rate: Tensor, shape: Tensor) -> Tensor:
    """Log-mass in nats; `shape` is the inverse dispersion."""
    none = x < 0.5
    some = ops.where(none, 1.0, x)
    total = some + shape
    # A binomial's saddle point: p = rate / (rate + shape) of `total` draws.
    share = total / (rate + shape)
    difference = (some - rate) * shape / (rate + shape)
    distance = deviance(some, share * rate, difference)
    distance = distance + deviance(shape, share * shape, -difference)
    errors = stirling_error(total)
    errors = errors - stirling_error(some) - stirling_error(shape)
    ratio = 0.5 * (ops.log(shape) - ops.log(some) - ops.log(total))
    at_some = ratio - _HALF_LOG_2PI + errors - distance
    at_none = -shape * log1p(rate / shape)
    return ops.where(none, at_none, at_some)
