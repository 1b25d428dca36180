"""The Bernoulli distribution with independent elements."""

from typing import Any

import keras
from keras import ops

from keras_vae.distributions.distribution import (
    Distribution,
    check_event_ndim,
    flat_events,
    sum_event,
)
from keras_vae.distributions.kl import register_kl
from keras_vae.distributions.special import log_sigmoid
from keras_vae.types import Shape, Tensor


class Bernoulli(Distribution):
    """Bernoulli distribution over binary events.

    Args:
        logits: Tensor of shape `batch_shape + event_shape`, unnormalised
            log-odds.
        event_ndim: Integer, trailing dimensions that form one event.
            Defaults to `1`.
        allow_grey: Boolean. `True` extends `log_prob` to values between 0
            and 1 by the cross-entropy `x log p + (1 - x) log(1 - p)`, which
            is then no log-probability. Defaults to `False`.

    Output shape:
        `log_prob(x)` and `entropy()`: `batch_shape`, in nats, summed over
        the event.

    Raises:
        ValueError: if `event_ndim` exceeds the rank of `logits`.

    Example:
    >>> p = keras_vae.distributions.Bernoulli(keras.ops.zeros((2, 3)))
    >>> p.log_prob(keras.ops.ones((2, 3))).shape
    (2,)
    """

    reference_measure = "counting"

    def __init__(
        self, logits: Tensor, event_ndim: int = 1, allow_grey: bool = False
    ) -> None:
        self.logits = ops.convert_to_tensor(logits, dtype="float32")
        self.event_ndim = check_event_ndim("logits", self.logits, event_ndim)
        self.allow_grey = allow_grey

    @property
    def batch_shape(self) -> Shape:
        shape = ops.shape(self.logits)
        return tuple(shape[: len(shape) - self.event_ndim])

    @property
    def event_shape(self) -> Shape:
        shape = ops.shape(self.logits)
        return tuple(shape[len(shape) - self.event_ndim :])

    def log_prob(self, x: Tensor) -> Tensor:
        x = ops.cast(x, self.logits.dtype)
        (x, logits), event_ndim = flat_events(self.event_ndim, x, self.logits)
        if self.allow_grey:
            terms = x * log_sigmoid(logits)
            terms = terms + (1.0 - x) * log_sigmoid(-logits)
        else:
            # log p(x) = log_sigmoid(logits) at x = 1, of -logits at 0.
            terms = log_sigmoid((2.0 * x - 1.0) * logits)
        return sum_event(terms, event_ndim)

    def mean(self) -> Tensor:
        return ops.sigmoid(self.logits)

    def mode(self) -> Tensor:
        return ops.cast(self.logits > 0.0, self.logits.dtype)

    def entropy(self) -> Tensor:
        # -p log p - (1 - p) log(1 - p), without cancellation
        terms = self.mean() * ops.softplus(-self.logits)
        terms = terms + ops.sigmoid(-self.logits) * ops.softplus(self.logits)
        return sum_event(terms, self.event_ndim)

    def sample(
        self, num_samples: int | None = None, seed: Any = None
    ) -> Tensor:
        shape = (*self._leading(num_samples), *self.event_shape)
        uniforms = keras.random.uniform(shape, dtype="float32", seed=seed)
        return ops.cast(uniforms < self.mean(), self.logits.dtype)


@register_kl(Bernoulli, Bernoulli)
def _kl_bernoulli_bernoulli(q: Bernoulli, p: Bernoulli) -> Tensor:
    # KL(q || p) = q (log q - log p) + (1 - q) (log(1 - q) - log(1 - p))
    on = ops.softplus(-p.logits) - ops.softplus(-q.logits)
    off = ops.softplus(p.logits) - ops.softplus(q.logits)
    terms = q.mean() * on + ops.sigmoid(-q.logits) * off
    return sum_event(terms, q.event_ndim)
