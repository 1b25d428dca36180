"""The continuous Bernoulli distribution with independent elements."""

from keras import ops

from keras_vae.distributions.elementwise import Elementwise
from keras_vae.distributions.special import expm1, log1mexp, log1p
from keras_vae.types import Tensor

# Taylor series are used below these absolute values of the logits.
_NEAR = 1.0
_NEAR_INVERSE = 1e-2


class ContinuousBernoulli(Elementwise):
    """Continuous Bernoulli distribution over the interval [0, 1].

    Its density is exp(logits x), normalised; the normaliser is a Taylor
    series where the logits are near 0, and never cancels.
    Source: Loaiza-Ganem & Cunningham, 2019, section 3,
    https://arxiv.org/abs/1907.06845.

    Args:
        logits: Tensor of shape `batch_shape + event_shape`, the log-odds of
            the parameter lambda. The mean is not lambda.
        event_ndim: Integer, trailing dimensions that form one event.
            Defaults to `1`.

    Output shape:
        `log_prob(x)` and `entropy()`: `batch_shape`, in nats, summed over
        the event. A draw takes one uniform for each element.

    Raises:
        ValueError: if `event_ndim` exceeds the rank of `logits`.

    Example:
    >>> p = keras_vae.distributions.ContinuousBernoulli(keras.ops.zeros((2, 3)))
    >>> p.log_prob(keras.ops.ones((2, 3))).shape
    (2,)
    """

    logits: Tensor

    def __init__(self, logits: Tensor, event_ndim: int = 1) -> None:
        self._set_parameters(event_ndim, logits=logits)

    @property
    def num_uniforms(self) -> int:  # type: ignore[override]
        """Uniforms that one draw takes: one per element."""
        return self.event_size

    def _split(self, limit: float) -> tuple[Tensor, Tensor, Tensor]:
        """Whether logits are near 0; those that are; sizes of the others."""
        size = ops.abs(self.logits)
        near = size < limit
        small = ops.where(near, self.logits, 0.0)
        return near, small, ops.where(near, limit, size)

    def _log_prob(self, x: Tensor) -> Tensor:
        near, t, a = self._split(_NEAR)
        # logits (x - 1/2) - log(sinh(logits / 2) / (logits / 2))
        s = ops.square(t)
        series = s * (1 / 24 - s * (1 / 2880 - s * (1 / 181440 - s / 9676800)))
        middle = t * (x - 0.5) - series
        # The distance d from the likelier end has density exp(-a d).
        distance = ops.where(self.logits < 0.0, x, 1.0 - x)
        return ops.where(near, middle, -a * distance - _log_integral(a))

    def mean(self) -> Tensor:
        near, t, a = self._split(_NEAR)
        s = ops.square(t)
        series = 1 / 12 - s * (1 / 720 - s * (1 / 30240 - s / 1209600))
        distance = _mean_distance(a)
        far = ops.where(self.logits < 0.0, distance, 1.0 - distance)
        return ops.where(near, 0.5 + t * series, far)

    def mode(self) -> Tensor:
        return 0.5 + 0.5 * ops.sign(self.logits)

    def _entropy(self) -> Tensor:
        near, t, a = self._split(_NEAR)
        s = ops.square(t)
        series = s * (1 / 24 - s * (1 / 960 - s * (1 / 36288 - s / 1382400)))
        far = a * _mean_distance(a) + _log_integral(a)
        return ops.where(near, -series, far)

    def from_noise(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> Tensor:
        # The inverse of the distribution function.
        del normals
        u = self._to_event(uniforms)
        near, t, a = self._split(_NEAR_INVERSE)
        slope = 0.5 + t * (1.0 - 2.0 * u) / 6.0
        middle = u + t * u * (1.0 - u) * slope
        falling = self.logits < 0.0
        from_end = ops.where(falling, u, 1.0 - u)
        distance = -log1p(from_end * expm1(-a)) / a
        far = ops.where(falling, distance, 1.0 - distance)
        return ops.where(near, middle, far)


def _log_integral(a: Tensor) -> Tensor:
    # log of the integral of exp(-a d) over [0, 1]
    return log1mexp(a) - ops.log(a)


def _mean_distance(a: Tensor) -> Tensor:
    # 1 / a - 1 / (exp(a) - 1)
    decay = ops.exp(-a)
    return 1.0 / a - decay / (1.0 - decay)
