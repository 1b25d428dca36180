"""The zero-inflated negative binomial distribution."""

from typing import Any

from keras import ops

from keras_vae.distributions.draws import split_seed, uniforms
from keras_vae.distributions.elementwise import Elementwise
from keras_vae.distributions.negative_binomial import (
    NegativeBinomial,
    log_negative_binomial,
)
from keras_vae.types import Tensor


class ZeroInflatedNegativeBinomial(Elementwise):
    """A negative binomial distribution with additional zeros.

    Source: Lopez et al., 2018, supplementary note 2,
    https://doi.org/10.1038/s41592-018-0229-2.

    Args:
        rate: Positive tensor of shape `batch_shape + event_shape`, the mean
            of the negative binomial part, up to 1e6.
        inverse_dispersion: Positive tensor that broadcasts to the shape of
            `rate`, up to 1e6.
        zero_logits: Tensor that broadcasts to the shape of `rate`, log-odds
            of an additional zero.
        event_ndim: Integer, trailing dimensions that form one event.
            Defaults to `1`.

    Output shape:
        `log_prob(x)`: `batch_shape`, in nats, summed over the event.

    Raises:
        ValueError: if `event_ndim` exceeds the rank of `rate`.

    Example:
    >>> p = keras_vae.distributions.ZeroInflatedNegativeBinomial(
    ...     keras.ops.ones((2, 3)), 1.0, 0.0
    ... )
    >>> p.log_prob(keras.ops.ones((2, 3))).shape
    (2,)
    """

    reference_measure = "counting"
    rate: Tensor
    inverse_dispersion: Tensor
    zero_logits: Tensor

    def __init__(
        self,
        rate: Tensor,
        inverse_dispersion: Tensor,
        zero_logits: Tensor,
        event_ndim: int = 1,
    ) -> None:
        self._set_parameters(
            event_ndim,
            rate=rate,
            inverse_dispersion=inverse_dispersion,
            zero_logits=zero_logits,
        )

    def _log_prob(self, x: Tensor) -> Tensor:
        # p(0) = pi + (1 - pi) NB(0),  p(x) = (1 - pi) NB(x)
        log_count = log_negative_binomial(x, self.rate, self.inverse_dispersion)
        log_gate = -ops.softplus(-self.zero_logits)
        log_open = -ops.softplus(self.zero_logits)
        log_some = log_open + log_count
        # log(exp(a) + exp(b)); ONNX has no log1p, of which Keras's is made.
        larger = ops.maximum(log_gate, log_some)
        either = larger + ops.softplus(-ops.abs(log_gate - log_some))
        return ops.where(x < 0.5, either, log_some)

    def mean(self) -> Tensor:
        return self.rate * ops.sigmoid(-self.zero_logits)

    def mode(self) -> Tensor:
        mode = self._counts().mode() + ops.zeros_like(self.rate)
        at_zero = self._log_prob(ops.zeros_like(mode))
        return ops.where(self._log_prob(mode) > at_zero, mode, 0.0)

    def sample(
        self, num_samples: int | None = None, seed: Any = None
    ) -> Tensor:
        first, second = split_seed(seed, 2)
        counts = self._counts().sample(num_samples, first)
        draws = uniforms(self._sample_shape(num_samples), second)
        return ops.where(draws < ops.sigmoid(self.zero_logits), 0.0, counts)

    def _counts(self) -> NegativeBinomial:
        return NegativeBinomial(
            self.rate, self.inverse_dispersion, self.event_ndim
        )
