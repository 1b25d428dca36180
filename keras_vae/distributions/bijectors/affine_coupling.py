"""The affine coupling of RealNVP."""

from collections.abc import Callable

from keras import ops

from keras_vae.distributions.bijectors.bijector import Bijector
from keras_vae.types import Tensor


class AffineCoupling(Bijector):
    """Scales and shifts half of the elements by functions of the other half.

    Both directions and the log-determinant have closed forms.
    Source: Dinh et al., 2017, equations 4 to 9,
    https://arxiv.org/abs/1605.08803.

    Args:
        mask: Float tensor `(dim,)`: 1 for the elements that are kept, 0 for
            those that change.
        network: Function of a tensor `(..., dim)` that returns
            `(shift, log_scale)`, each `(..., dim)`.

    Example:
    >>> step = bijectors.AffineCoupling([1.0, 0.0], network)
    >>> x, log_det = step.forward(z)
    >>> z, log_det = step.inverse(x)
    """

    def __init__(
        self,
        mask: Tensor,
        network: Callable[[Tensor], tuple[Tensor, Tensor]],
    ) -> None:
        self.mask = ops.convert_to_tensor(mask, dtype="float32")
        self.network = network

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        shift, log_scale = self._parameters(z)
        return z * ops.exp(log_scale) + shift, ops.sum(log_scale, axis=-1)

    def inverse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        shift, log_scale = self._parameters(x)
        return (x - shift) * ops.exp(-log_scale), ops.sum(log_scale, axis=-1)

    def _parameters(self, z: Tensor) -> tuple[Tensor, Tensor]:
        # Elements that are kept have shift 0 and log-scale 0.
        shift, log_scale = self.network(self.mask * z)
        changed = 1.0 - self.mask
        return changed * shift, changed * log_scale
