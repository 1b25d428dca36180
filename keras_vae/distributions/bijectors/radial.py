"""The radial flow's step."""

from keras import ops

from keras_vae.distributions.bijectors.bijector import Bijector
from keras_vae.distributions.bijectors.planar import above_minus_one
from keras_vae.distributions.special import log1p
from keras_vae.types import Tensor

# Added to a squared distance: the gradient of its root stays finite at 0.
_TINY = 1e-12


class Radial(Bijector):
    """f(z) = z + beta (z - z_0) / (alpha + |z - z_0|).

    It stretches space around a point. `beta`, made from its raw value,
    stays above `-alpha`, which makes f invertible.
    Source: Rezende & Mohamed, 2015, equation 14 and appendix A.2,
    https://arxiv.org/abs/1505.05770.

    Args:
        center: Tensor `(*batch, dim)`, the point z_0.
        alpha: Positive tensor `(*batch,)`.
        raw_beta: Tensor `(*batch,)`; 0 makes f the identity.

    Example:
    >>> step = bijectors.Radial(center, alpha, raw_beta)
    >>> z, log_det = step.forward(z)
    """

    def __init__(self, center: Tensor, alpha: Tensor, raw_beta: Tensor) -> None:
        self.center = ops.convert_to_tensor(center, "float32")
        self.alpha = ops.convert_to_tensor(alpha, "float32")
        raw_beta = ops.convert_to_tensor(raw_beta, "float32")
        self.beta = self.alpha * above_minus_one(raw_beta)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        shift = z - self.center
        radius = ops.sqrt(ops.sum(ops.square(shift), axis=-1) + _TINY)
        reach = self.alpha + radius
        stretch = self.beta / reach
        # det = [1 + beta h]^(dim - 1) [1 + beta h + beta h' r], where
        # h + h' r = alpha / (alpha + r)^2
        across = (int(z.shape[-1]) - 1) * log1p(stretch)
        log_det = across + log1p(stretch * self.alpha / reach)
        return z + ops.expand_dims(stretch, -1) * shift, log_det
