"""The log-normal distribution with independent elements."""

import math

from keras import ops

from keras_vae.distributions.elementwise import Elementwise
from keras_vae.types import Tensor

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


class LogNormal(Elementwise):
    """Distribution of positive numbers whose logarithm is normal.

    Args:
        loc: Tensor of shape `batch_shape + event_shape`, mean of log x.
        scale: Positive tensor that broadcasts to the shape of `loc`, the
            standard deviation of log x.
        event_ndim: Integer, trailing dimensions that form one event.
            Defaults to `1`.

    Output shape:
        `log_prob(x)` and `entropy()`: `batch_shape`, in nats, summed over
        the event. `mean()` is `exp(loc + scale^2 / 2)`.

    Raises:
        ValueError: if `event_ndim` exceeds the rank of `loc`.

    Example:
    >>> p = keras_vae.distributions.LogNormal(keras.ops.zeros((2, 3)), 1.0)
    >>> p.log_prob(keras.ops.ones((2, 3))).shape
    (2,)
    """

    loc: Tensor
    scale: Tensor

    def __init__(self, loc: Tensor, scale: Tensor, event_ndim: int = 1) -> None:
        self._set_parameters(event_ndim, loc=loc, scale=scale)

    @property
    def num_normals(self) -> int:  # type: ignore[override]
        """Standard normals that one draw takes: one per element."""
        return self.event_size

    def _log_prob(self, x: Tensor) -> Tensor:
        # log N(log x; loc, scale^2) - log x
        log_x = ops.log(x)
        standard = (log_x - self.loc) / self.scale
        terms = -0.5 * ops.square(standard) - ops.log(self.scale)
        return terms - _HALF_LOG_2PI - log_x

    def mean(self) -> Tensor:
        return ops.exp(self.loc + 0.5 * ops.square(self.scale))

    def mode(self) -> Tensor:
        return ops.exp(self.loc - ops.square(self.scale))

    def _entropy(self) -> Tensor:
        # loc + 1/2 log(2 pi e scale^2)
        return self.loc + 0.5 + _HALF_LOG_2PI + ops.log(self.scale)

    def from_noise(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> Tensor:
        del uniforms
        return ops.exp(self.loc + self.scale * self._to_event(normals))
