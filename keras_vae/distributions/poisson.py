"""The Poisson distribution with independent elements."""

from typing import Any

from keras import ops

from keras_vae.distributions.draws import poissons
from keras_vae.distributions.elementwise import Elementwise
from keras_vae.distributions.special import log_poisson
from keras_vae.types import Tensor


class Poisson(Elementwise):
    """Poisson distribution over counts.

    Source: Loader, 2000, equation 4 (the mass without cancellation).

    Args:
        rate: Positive tensor of shape `batch_shape + event_shape`, the mean,
            up to 1e7 (counts beyond 1.6e7 are not whole in float32).
        event_ndim: Integer, trailing dimensions that form one event.
            Defaults to `1`.

    Output shape:
        `log_prob(x)`: `batch_shape`, in nats, summed over the event.

    Raises:
        ValueError: if `event_ndim` exceeds the rank of `rate`.

    Example:
    >>> p = keras_vae.distributions.Poisson(keras.ops.ones((2, 3)))
    >>> p.log_prob(keras.ops.ones((2, 3))).shape
    (2,)
    """

    reference_measure = "counting"
    rate: Tensor

    def __init__(self, rate: Tensor, event_ndim: int = 1) -> None:
        self._set_parameters(event_ndim, rate=rate)

    def _log_prob(self, x: Tensor) -> Tensor:
        return log_poisson(x, self.rate)

    def mean(self) -> Tensor:
        return self.rate

    def mode(self) -> Tensor:
        return ops.floor(self.rate)

    def sample(
        self, num_samples: int | None = None, seed: Any = None
    ) -> Tensor:
        return poissons(self._sample_shape(num_samples), self.rate, seed)
