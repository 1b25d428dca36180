"""The Concrete (Gumbel-softmax) distribution on the simplex."""

import math

from keras import ops

from keras_vae.distributions.kl import register_kl
from keras_vae.distributions.one_hot_categorical import (
    OneHotCategorical,
    kl_of_categories,
)
from keras_vae.distributions.one_hot_logits import OneHotLogits
from keras_vae.types import Tensor

# The smallest element of a sample: float32 knows no logarithm of less.
_TINY = 1e-37


class RelaxedCategorical(OneHotLogits):
    """Independent Concrete variables, points of the simplex laid end to end.

    `log_prob` is the density of the relaxed variables themselves. Elements
    below 1e-37 count as that, which happens below a temperature of 0.5
    alone. The expectation has no closed form: `mean()` is a representative
    point instead, the probabilities of the categories, each of which is the
    largest element with exactly its probability.
    Source: Maddison et al., 2017, equation 10 and definition 1,
    https://arxiv.org/abs/1611.00712.

    Args:
        logits: Tensor of shape `batch_shape + (num_variables,
            num_categories)`, unnormalised log-probabilities. The event shape
            is `(num_variables * num_categories,)`.
        temperature: Positive number or scalar tensor.
        discrete_kl: Boolean. `True` lets `kl_divergence` to a
            `OneHotCategorical` be that of the discrete variables instead of
            an error. It is no divergence of the relaxed ones, and makes the
            ELBO no bound. Defaults to `False`.

    Output shape:
        `log_prob(x)`: `batch_shape`, in nats, a density by the first
        `num_categories - 1` elements of each variable.

    Raises:
        ValueError: if `logits` has fewer than two axes.
        NotImplementedError: from `mode` and `entropy`.

    Example:
    >>> q = keras_vae.distributions.RelaxedCategorical(
    ...     keras.ops.zeros((5, 2, 3)), temperature=0.5
    ... )
    >>> q.sample(seed=0).shape
    (5, 6)
    """

    reference_measure = "simplex"

    def __init__(
        self, logits: Tensor, temperature: Tensor, discrete_kl: bool = False
    ) -> None:
        super().__init__(logits)
        self.temperature = ops.convert_to_tensor(temperature, dtype="float32")
        self.discrete_kl = discrete_kl

    def log_prob(self, x: Tensor) -> Tensor:
        num_categories = int(self.logits.shape[-1])
        log_x = ops.log(ops.maximum(self._apart(x), _TINY))
        # (n - 1)! t^(n - 1) prod_k [a_k x_k^(-t - 1)] / (sum_k a_k x_k^-t)^n
        powers = self.logits - self.temperature * log_x
        terms = ops.sum(powers - log_x, axis=-1)
        terms = terms - num_categories * ops.logsumexp(powers, axis=-1)
        constant = math.lgamma(num_categories)
        constant = constant + (num_categories - 1) * ops.log(self.temperature)
        return ops.sum(terms + constant, axis=-1)

    def mode(self) -> Tensor:
        raise self._unknown("mode")

    def entropy(self) -> Tensor:
        raise self._unknown("entropy")

    def from_noise(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> Tensor:
        del normals
        scores = self._perturbed(uniforms) / self.temperature
        relaxed = ops.softmax(scores, axis=-1)
        return self._joined(ops.maximum(relaxed, _TINY))

    def stopped(self) -> "RelaxedCategorical":
        return RelaxedCategorical(
            ops.stop_gradient(self.logits), self.temperature, self.discrete_kl
        )

    def _unknown(self, what: str) -> NotImplementedError:
        return NotImplementedError(
            f"The {what} of a relaxed distribution has no closed form. Take "
            f"that of `OneHotCategorical(logits)`: `.{what}()`."
        )


def check_discrete_kl(name: str, asked_for: bool) -> None:
    """Raises unless the discrete KL of a relaxed posterior was asked for.

    Raises:
        NotImplementedError: with the ways out.
    """
    if not asked_for:
        raise NotImplementedError(
            f"KL({name} || a discrete prior) does not exist: one is a "
            "density, the other a mass. Give the prior a temperature and use "
            '`objectives.ELBO(kl="monte_carlo")`, or pass the posterior '
            "`straight_through=True`, or ask for the KL of the discrete "
            "variables, which makes the ELBO no bound, by "
            "`discrete_kl=True`."
        )


@register_kl(RelaxedCategorical, OneHotCategorical)
def _kl_relaxed_one_hot(q: RelaxedCategorical, p: OneHotCategorical) -> Tensor:
    # Jang et al., 2017, use the KL of the discrete variables; Maddison et
    # al., 2017, appendix C.3, show that it bounds nothing.
    check_discrete_kl(type(q).__name__, q.discrete_kl)
    return kl_of_categories(q, p)
