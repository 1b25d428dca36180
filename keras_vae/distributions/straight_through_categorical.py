"""The categorical distribution with straight-through gradients."""

from keras import ops

from keras_vae.distributions.one_hot_categorical import OneHotCategorical
from keras_vae.types import Tensor


class StraightThroughCategorical(OneHotCategorical):
    """A `OneHotCategorical` whose samples pass the relaxation's gradient on.

    Its samples are one-hot, and follow the categorical law exactly. Their
    gradient is that of the Gumbel-softmax with the same noise, which is
    biased.
    Source: Jang et al., 2017, section 2.2,
    https://arxiv.org/abs/1611.01144.

    Args:
        logits: Tensor of shape `batch_shape + (num_variables,
            num_categories)`.
        temperature: Positive number or scalar tensor, of the relaxation.

    Raises:
        ValueError: if `logits` has fewer than two axes.

    Example:
    >>> q = keras_vae.distributions.StraightThroughCategorical(logits, 0.5)
    """

    def __init__(self, logits: Tensor, temperature: Tensor) -> None:
        super().__init__(logits)
        self.temperature = ops.convert_to_tensor(temperature, dtype="float32")

    def from_noise(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> Tensor:
        del normals
        scores = self._perturbed(uniforms)
        relaxed = ops.softmax(scores / self.temperature, axis=-1)
        hard = self._largest(scores)
        return self._joined(straight_through(hard, relaxed))

    def stopped(self) -> "StraightThroughCategorical":
        raise discrete_has_no_path(type(self).__name__)


def straight_through(hard: Tensor, relaxed: Tensor) -> Tensor:
    """Returns `hard`, exactly, with the gradient of `relaxed`."""
    return hard + (relaxed - ops.stop_gradient(relaxed))


def discrete_has_no_path(name: str) -> NotImplementedError:
    """The error of an estimator that needs a density's path derivative."""
    return NotImplementedError(
        f"`{name}` is discrete: its log-mass has no derivative along the "
        "path from the noise. Use a gradient estimator that needs none: "
        '`gradient="reparameterized"`.'
    )
