"""The binary Concrete distribution."""

import math

from keras import ops

from keras_vae.distributions.bernoulli import Bernoulli
from keras_vae.distributions.kl import kl_divergence, register_kl
from keras_vae.distributions.relaxed_categorical import check_discrete_kl
from keras_vae.distributions.straight_through_bernoulli import logistic
from keras_vae.distributions.vector import VectorDistribution
from keras_vae.types import Tensor

# Closer to 1, float32 would keep too little of the distance.
_EDGE = 2.0**-20
_LIMIT = math.log((1.0 - _EDGE) / _EDGE)


class RelaxedBernoulli(VectorDistribution):
    """Independent binary Concrete variables, strictly between 0 and 1.

    A sample within 2^-20 of an end is that end's: `log_prob` is there the
    probability of all that lies beyond, and a density elsewhere. So float32
    loses nothing, and the KL of two such laws is exactly that of the samples
    that a decoder sees. The expectation has no closed form: `mean()` is a
    representative point instead, the probability of more than 1/2.
    Source: Maddison et al., 2017, equation 17 and appendix B.1,
    https://arxiv.org/abs/1611.00712.

    Args:
        logits: Tensor of shape `batch_shape + (dim,)`, log-odds.
        temperature: Positive number or scalar tensor.
        discrete_kl: Boolean. `True` lets `kl_divergence` to a `Bernoulli` be
            that of the discrete variables instead of an error. It is no
            divergence of the relaxed ones, and makes the ELBO no bound.
            Defaults to `False`.

    Output shape:
        `log_prob(x)`: `batch_shape`, in nats.

    Raises:
        NotImplementedError: from `mode` and `entropy`.

    Example:
    >>> q = keras_vae.distributions.RelaxedBernoulli(
    ...     keras.ops.zeros((5, 3)), temperature=0.5
    ... )
    >>> q.sample(seed=0).shape
    (5, 3)
    """

    reference_measure = "interval"

    def __init__(
        self, logits: Tensor, temperature: Tensor, discrete_kl: bool = False
    ) -> None:
        self.logits = ops.convert_to_tensor(logits, dtype="float32")
        self.temperature = ops.convert_to_tensor(temperature, dtype="float32")
        self.discrete_kl = discrete_kl

    @property
    def vector(self) -> Tensor:
        return self.logits

    @property
    def num_uniforms(self) -> int:  # type: ignore[override]
        """Uniforms that one draw takes: one per element."""
        return self.event_size

    def log_prob(self, x: Tensor) -> Tensor:
        x = ops.clip(ops.cast(x, "float32"), _EDGE, 1.0 - _EDGE)
        # With l = logit(x): t a / (x (1 - x)) e^(-t l) / (1 + a e^(-t l))^2
        powers = self.logits - self.temperature * logistic(x)
        density = powers - 2.0 * ops.softplus(powers) - ops.log(x * (1.0 - x))
        density = density + ops.log(self.temperature)
        reach = self.temperature * _LIMIT
        below = ops.log_sigmoid(-reach - self.logits)
        above = ops.log_sigmoid(self.logits - reach)
        terms = ops.where(x <= _EDGE, below, density)
        terms = ops.where(x >= 1.0 - _EDGE, above, terms)
        return ops.sum(terms, axis=-1)

    def mean(self) -> Tensor:
        """The probabilities of more than 1/2; no expectation."""
        return ops.sigmoid(self.logits)

    def mode(self) -> Tensor:
        raise self._no_closed_form("mode", "Take `Bernoulli(logits).mode()`.")

    def entropy(self) -> Tensor:
        raise self._no_closed_form(
            "entropy", "Take `Bernoulli(logits).entropy()`."
        )

    def from_noise(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> Tensor:
        del normals
        scores = (self.logits + logistic(uniforms)) / self.temperature
        return ops.clip(ops.sigmoid(scores), _EDGE, 1.0 - _EDGE)

    def stopped(self) -> "RelaxedBernoulli":
        return RelaxedBernoulli(
            ops.stop_gradient(self.logits), self.temperature, self.discrete_kl
        )


@register_kl(RelaxedBernoulli, Bernoulli)
def _kl_relaxed_bernoulli(q: RelaxedBernoulli, p: Bernoulli) -> Tensor:
    check_discrete_kl(type(q).__name__, q.discrete_kl)
    return kl_divergence(Bernoulli(q.logits), p)
