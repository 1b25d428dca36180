"""The categorical distribution over one-hot vectors."""

from keras import ops

from keras_vae.distributions.kl import register_kl
from keras_vae.distributions.one_hot_logits import (
    OneHotLogits,
    check_same_categories,
)
from keras_vae.types import Tensor


class OneHotCategorical(OneHotLogits):
    """Independent categorical variables as one-hot vectors, end to end.

    It samples by the Gumbel-max trick.
    Source: Maddison et al., 2017, section 2.1,
    https://arxiv.org/abs/1611.00712.

    Args:
        logits: Tensor of shape `batch_shape + (num_variables,
            num_categories)`, unnormalised log-probabilities. The event shape
            is `(num_variables * num_categories,)`.

    Output shape:
        `log_prob(x)` and `entropy()`: `batch_shape`, in nats, for x whose
        vectors are one-hot.

    Raises:
        ValueError: if `logits` has fewer than two axes.

    Example:
    >>> q = keras_vae.distributions.OneHotCategorical(
    ...     keras.ops.zeros((5, 2, 3))
    ... )
    >>> q.sample(seed=0).shape
    (5, 6)
    """

    reference_measure = "counting"

    def log_prob(self, x: Tensor) -> Tensor:
        return ops.sum(self._apart(x) * self.log_probabilities, axis=(-2, -1))

    def mode(self) -> Tensor:
        return self._joined(self._largest(self.logits))

    def entropy(self) -> Tensor:
        terms = ops.softmax(self.logits, axis=-1) * self.log_probabilities
        return -ops.sum(terms, axis=(-2, -1))

    def from_noise(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> Tensor:
        del normals
        return self._joined(self._largest(self._perturbed(uniforms)))


@register_kl(OneHotCategorical, OneHotCategorical)
def kl_of_categories(q: OneHotLogits, p: OneHotLogits) -> Tensor:
    """KL between the categorical variables of q and p, `batch_shape` nats."""
    check_same_categories(q, p)
    # sum_k q_k (log q_k - log p_k)
    ratios = q.log_probabilities - p.log_probabilities
    terms = ops.softmax(q.logits, axis=-1) * ratios
    return ops.sum(terms, axis=(-2, -1))
