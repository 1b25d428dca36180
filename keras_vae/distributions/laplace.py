"""The Laplace distribution with independent elements."""

import math

from keras import ops

from keras_vae.distributions.elementwise import Elementwise
from keras_vae.distributions.special import log1p
from keras_vae.types import Tensor

_LOG_2 = math.log(2.0)


class Laplace(Elementwise):
    """Laplace distribution with independent elements.

    Args:
        loc: Tensor of shape `batch_shape + event_shape`, mean and median.
        scale: Positive tensor that broadcasts to the shape of `loc`, the
            mean absolute deviation.
        event_ndim: Integer, trailing dimensions that form one event.
            Defaults to `1`.

    Output shape:
        `log_prob(x)` and `entropy()`: `batch_shape`, in nats, summed over
        the event.

    Raises:
        ValueError: if `event_ndim` exceeds the rank of `loc`.

    Example:
    >>> p = keras_vae.distributions.Laplace(keras.ops.zeros((2, 3)), 1.0)
    >>> p.log_prob(keras.ops.ones((2, 3))).shape
    (2,)
    """

    loc: Tensor
    scale: Tensor

    def __init__(self, loc: Tensor, scale: Tensor, event_ndim: int = 1) -> None:
        self._set_parameters(event_ndim, loc=loc, scale=scale)

    @property
    def num_uniforms(self) -> int:  # type: ignore[override]
        """Uniforms that one draw takes: one per element."""
        return self.event_size

    def _log_prob(self, x: Tensor) -> Tensor:
        distance = ops.abs(x - self.loc) / self.scale
        return -distance - ops.log(self.scale) - _LOG_2

    def mean(self) -> Tensor:
        return self.loc

    def mode(self) -> Tensor:
        return self.loc

    def _entropy(self) -> Tensor:
        # 1 + log(2 scale)
        return 1.0 + _LOG_2 + ops.log(self._full(self.scale))

    def from_noise(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> Tensor:
        # The inverse of the distribution function.
        del normals
        centred = self._to_event(uniforms) - 0.5
        distance = -log1p(-2.0 * ops.abs(centred))
        return self.loc + self.scale * ops.sign(centred) * distance
