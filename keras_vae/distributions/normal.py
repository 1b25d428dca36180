"""The normal distribution with independent elements."""

import math

from keras import ops

from keras_vae.distributions.distribution import (
    Distribution,
    check_event_ndim,
    flat_events,
    sum_event,
)
from keras_vae.distributions.kl import register_kl
from keras_vae.types import Shape, Tensor

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


class Normal(Distribution):
    """Normal distribution with a diagonal covariance.

    Args:
        loc: Tensor of shape `batch_shape + event_shape`, the mean.
        scale: Positive tensor that broadcasts to the shape of `loc`, the
            standard deviation.
        event_ndim: Integer, trailing dimensions that form one event.
            Defaults to `1`.

    Output shape:
        `log_prob(x)` and `entropy()`: `batch_shape`, in nats, summed over
        the event.

    Raises:
        ValueError: if `event_ndim` exceeds the rank of `loc`.

    Example:
    >>> q = keras_vae.distributions.Normal(keras.ops.zeros((2, 3)), 1.0)
    >>> q.log_prob(keras.ops.zeros((2, 3))).shape
    (2,)
    """

    def __init__(self, loc: Tensor, scale: Tensor, event_ndim: int = 1) -> None:
        self.loc = ops.convert_to_tensor(loc, dtype="float32")
        self.scale = ops.convert_to_tensor(scale, dtype="float32")
        self.event_ndim = check_event_ndim("loc", self.loc, event_ndim)

    @property
    def batch_shape(self) -> Shape:
        shape = ops.shape(self.loc)
        return tuple(shape[: len(shape) - self.event_ndim])

    @property
    def event_shape(self) -> Shape:
        shape = ops.shape(self.loc)
        return tuple(shape[len(shape) - self.event_ndim :])

    @property
    def num_normals(self) -> int:  # type: ignore[override]
        """Standard normals that one draw takes: one per element."""
        return self.event_size

    def log_prob(self, x: Tensor) -> Tensor:
        # log N(x; loc, scale^2)
        x = ops.cast(x, self.loc.dtype)
        (x, loc, scale), event_ndim = flat_events(
            self.event_ndim, x, self.loc, self.scale
        )
        terms = -0.5 * ops.square((x - loc) / scale) - ops.log(scale)
        return sum_event(terms - _HALF_LOG_2PI, event_ndim)

    def mean(self) -> Tensor:
        return self.loc

    def mode(self) -> Tensor:
        return self.loc

    def entropy(self) -> Tensor:
        # 1/2 log(2 pi e scale^2)
        terms = 0.5 + _HALF_LOG_2PI + ops.log(self._full_scale())
        return sum_event(terms, self.event_ndim)

    def from_noise(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> Tensor:
        # z = loc + scale * eps (Kingma & Welling, 2014, section 2.4)
        del uniforms
        if self.event_ndim != 1:
            lead = ops.shape(normals)[:-1]
            normals = ops.reshape(normals, (*lead, *self.event_shape))
        return self.loc + self.scale * normals

    def stopped(self) -> "Normal":
        return Normal(
            ops.stop_gradient(self.loc),
            ops.stop_gradient(self.scale),
            self.event_ndim,
        )

    def _full_scale(self) -> Tensor:
        return self.scale + ops.zeros_like(self.loc)


@register_kl(Normal, Normal)
def _kl_normal_normal(q: Normal, p: Normal) -> Tensor:
    # KL(q || p) = log(s_p / s_q) + (s_q^2 + (m_q - m_p)^2) / (2 s_p^2) - 1/2
    ratio = q._full_scale() / p.scale
    shift = (q.loc - p.loc) / p.scale
    terms = 0.5 * (ops.square(ratio) + ops.square(shift) - 1.0) - ops.log(ratio)
    return sum_event(terms, q.event_ndim)
