"""The Bernoulli distribution with straight-through gradients."""

from keras import ops

from keras_vae.distributions.bernoulli import Bernoulli
from keras_vae.distributions.distribution import Distribution
from keras_vae.distributions.straight_through_categorical import (
    discrete_has_no_path,
    straight_through,
)
from keras_vae.types import Tensor


class StraightThroughBernoulli(Bernoulli):
    """A `Bernoulli` whose samples pass the relaxation's gradient on.

    Its samples are 0 or 1, and follow the Bernoulli law exactly. Their
    gradient is that of the binary Concrete variable with the same noise,
    which is biased.
    Source: Jang et al., 2017, section 2.2,
    https://arxiv.org/abs/1611.01144.

    Args:
        logits: Tensor of shape `batch_shape + (dim,)`.
        temperature: Positive number or scalar tensor, of the relaxation.

    Example:
    >>> q = keras_vae.distributions.StraightThroughBernoulli(logits, 0.5)
    """

    def __init__(self, logits: Tensor, temperature: Tensor) -> None:
        # Linear in x, so that the sample's gradient meets a straight line.
        super().__init__(logits, event_ndim=1, allow_grey=True)
        self.temperature = ops.convert_to_tensor(temperature, dtype="float32")

    @property
    def num_uniforms(self) -> int:  # type: ignore[override]
        """Uniforms that one draw takes: one per element."""
        return self.event_size

    sample = Distribution.sample

    def from_noise(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> Tensor:
        del normals
        scores = self.logits + logistic(uniforms)
        relaxed = ops.sigmoid(scores / self.temperature)
        return straight_through(ops.cast(scores > 0.0, "float32"), relaxed)

    def stopped(self) -> "StraightThroughBernoulli":
        raise discrete_has_no_path(type(self).__name__)


def logistic(uniforms: Tensor) -> Tensor:
    """Maps uniforms strictly between 0 and 1 to standard logistic noise."""
    return ops.log(uniforms) - ops.log(1.0 - uniforms)
