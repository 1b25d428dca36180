"""The beta distribution with independent elements."""

import math
from typing import Any

from keras import ops

from keras_vae.distributions.draws import log_gammas, split_seed
from keras_vae.distributions.elementwise import Elementwise
from keras_vae.distributions.special import deviance, log1p, stirling_error
from keras_vae.types import Tensor

_LOG_2PI = math.log(2.0 * math.pi)
# Samples stay inside the open interval.
_SMALLEST, _LARGEST = 1e-30, 1.0 - 2.0**-24


class Beta(Elementwise):
    """Beta distribution over the open interval (0, 1).

    In the usual parameters, a = loc * concentration and
    b = (1 - loc) * concentration.
    Source: Ferrari & Cribari-Neto, 2004, equation 4 (mean and
    concentration); Loader, 2000, equation 3 (the density without
    cancellation).

    Args:
        loc: Tensor of shape `batch_shape + event_shape`, the mean, between 0
            and 1.
        concentration: Positive tensor that broadcasts to the shape of
            `loc`, up to 1e6.
        event_ndim: Integer, trailing dimensions that form one event.
            Defaults to `1`.

    Output shape:
        `log_prob(x)`: `batch_shape`, in nats, summed over the event.
        `mode()` is the likelier end, 0 or 1, where the density has no
        maximum inside, and the mean where it is flat.

    Raises:
        ValueError: if `event_ndim` exceeds the rank of `loc`.

    Example:
    >>> mean = keras.ops.full((2, 3), 0.5)
    >>> keras_vae.distributions.Beta(mean, 10.0).log_prob(mean).shape
    (2,)
    """

    loc: Tensor
    concentration: Tensor

    def __init__(
        self, loc: Tensor, concentration: Tensor, event_ndim: int = 1
    ) -> None:
        self._set_parameters(event_ndim, loc=loc, concentration=concentration)

    def _log_prob(self, x: Tensor) -> Tensor:
        n, rest = self.concentration, 1.0 - self.loc
        a, b = n * self.loc, n * rest
        difference = self.loc - x
        # n KL(loc || x), of two Bernoulli distributions
        divergence = deviance(self.loc, x, difference)
        divergence = divergence + deviance(rest, 1.0 - x, -difference)
        errors = stirling_error(n) - stirling_error(a) - stirling_error(b)
        ends = 0.5 * (ops.log(a) + ops.log(rest) - _LOG_2PI)
        return ends + errors - n * divergence - ops.log(x) - log1p(-x)

    def mean(self) -> Tensor:
        return self.loc

    def mode(self) -> Tensor:
        a = self.concentration * self.loc
        b = self.concentration * (1.0 - self.loc)
        inside = ops.logical_and(a > 1.0, b > 1.0)
        room = ops.where(inside, a + b - 2.0, 1.0)
        end = 0.5 + 0.5 * ops.sign(a - b)
        flat = ops.logical_and(ops.equal(a, 1.0), ops.equal(b, 1.0))
        end = ops.where(flat, self.loc, end)
        return ops.where(inside, (a - 1.0) / room, end)

    def sample(
        self, num_samples: int | None = None, seed: Any = None
    ) -> Tensor:
        # A / (A + B) of gamma variables A and B
        first, second = split_seed(seed, 2)
        shape = self._sample_shape(num_samples)
        a = log_gammas(shape, self.concentration * self.loc, first)
        b = log_gammas(shape, self.concentration * (1.0 - self.loc), second)
        return ops.clip(ops.sigmoid(a - b), _SMALLEST, _LARGEST)
