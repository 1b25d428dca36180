"""Student's t-distribution with independent elements."""

import math
from typing import Any

import keras
from keras import ops

from keras_vae.distributions.draws import log_gammas, split_seed
from keras_vae.distributions.elementwise import Elementwise
from keras_vae.distributions.special import log1p_square, log_gamma_ratio
from keras_vae.types import Tensor

_HALF_LOG_PI = 0.5 * math.log(math.pi)


class StudentT(Elementwise):
    """Student's t-distribution with independent elements.

    Args:
        df: Positive tensor that broadcasts to the shape of `loc`, the
            degrees of freedom, up to 1e8.
        loc: Tensor of shape `batch_shape + event_shape`, the centre.
        scale: Positive tensor that broadcasts to the shape of `loc`.
        event_ndim: Integer, trailing dimensions that form one event.
            Defaults to `1`.

    Output shape:
        `log_prob(x)`: `batch_shape`, in nats, summed over the event.
        `mean()` is NaN where `df` is at most 1: there is none.

    Raises:
        ValueError: if `event_ndim` exceeds the rank of `loc`.

    Example:
    >>> p = keras_vae.distributions.StudentT(3.0, keras.ops.zeros((2, 3)), 1.0)
    >>> p.log_prob(keras.ops.ones((2, 3))).shape
    (2,)
    """

    loc: Tensor
    df: Tensor
    scale: Tensor

    def __init__(
        self, df: Tensor, loc: Tensor, scale: Tensor, event_ndim: int = 1
    ) -> None:
        self._set_parameters(event_ndim, loc=loc, df=df, scale=scale)

    def _log_prob(self, x: Tensor) -> Tensor:
        # log Gamma((n + 1) / 2) - log Gamma(n / 2) - 1/2 log(pi n s^2)
        #   - (n + 1) / 2 log(1 + (x - m)^2 / (n s^2))
        width = ops.sqrt(self.df) * self.scale
        ends = log_gamma_ratio(0.5 * self.df, 0.5) - ops.log(width)
        fall = log1p_square(ops.abs(x - self.loc) / width)
        return ends - _HALF_LOG_PI - 0.5 * (self.df + 1.0) * fall

    def mean(self) -> Tensor:
        return ops.where(self._full(self.df) > 1.0, self.loc, float("nan"))

    def mode(self) -> Tensor:
        return self.loc

    def sample(
        self, num_samples: int | None = None, seed: Any = None
    ) -> Tensor:
        # t = normal / sqrt(gamma(df / 2) / (df / 2))
        first, second = split_seed(seed, 2)
        shape = self._sample_shape(num_samples)
        normals = keras.random.normal(shape, dtype="float32", seed=first)
        half = 0.5 * self.df
        log_ratio = log_gammas(shape, half, second) - ops.log(half)
        deviation = normals * ops.exp(-0.5 * log_ratio)
        return self.loc + self.scale * deviation
