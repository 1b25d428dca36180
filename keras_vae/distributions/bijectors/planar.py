"""The planar flow's step, and the bound that keeps flows invertible."""

import math

from keras import ops

from keras_vae.distributions.bijectors.bijector import Bijector
from keras_vae.distributions.special import log1p
from keras_vae.distributions.vector import inner_product
from keras_vae.types import Tensor

# Steps shrink no direction to less than this part of its length.
MARGIN = 1e-3
_OFFSET = math.log(math.expm1(1.0 - MARGIN))
_TINY = 1e-6


def above_minus_one(raw: Tensor) -> Tensor:
    """Maps real numbers smoothly to numbers above -1, and 0 to 0.

    Source: Rezende & Mohamed, 2015, appendix A.1, whose m(x) = -1 +
    softplus(x) is shifted here, so that it is 0 at 0, and kept `MARGIN`
    away from -1, where a determinant would be 0 in float32.
    """
    return MARGIN - 1.0 + ops.softplus(raw + _OFFSET)


class Planar(Bijector):
    """f(z) = z + u_hat tanh(w^T z + b).

    It stretches space along one direction, around a hyperplane. `u_hat` is
    `u` with its component along `w` moved above -1 / |w|, which makes f
    invertible.
    Source: Rezende & Mohamed, 2015, equations 10 to 12 and appendix A.1,
    https://arxiv.org/abs/1505.05770.

    Args:
        u: Tensor `(*batch, dim)`.
        w: Tensor `(*batch, dim)`.
        b: Tensor `(*batch,)`.

    Example:
    >>> step = bijectors.Planar(u, w, b)
    >>> z, log_det = step.forward(z)
    """

    def __init__(self, u: Tensor, w: Tensor, b: Tensor) -> None:
        u, w = (ops.convert_to_tensor(one, "float32") for one in (u, w))
        self.w, self.b = w, ops.convert_to_tensor(b, "float32")
        along = ops.sum(w * u, axis=-1)
        # w^T u_hat = m(w^T u)
        self.along = above_minus_one(along)
        length = ops.sum(ops.square(w), axis=-1) + _TINY
        move = (self.along - along) / length
        self.u_hat = u + ops.expand_dims(move, -1) * w

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        h = ops.tanh(inner_product(z, self.w)[..., 0] + self.b)
        # det = 1 + h'(w^T z + b) w^T u_hat
        log_det = log1p((1.0 - ops.square(h)) * self.along)
        return z + self.u_hat * ops.expand_dims(h, -1), log_det
