"""The standard normal prior."""

from keras import ops

from keras_vae.distributions import Normal
from keras_vae.priors.prior import Prior, registry
from keras_vae.types import Tensor


@registry.register("standard_normal")
class StandardNormal(Prior):
    """p(z) = N(0, I): one standard normal per latent dimension.

    Source: Kingma & Welling, 2014, section 3,
    https://arxiv.org/abs/1312.6114.

    Call arguments:
        z: Tensor `(..., latent_dim)`.

    Output shape:
        `(...,)`: log p(z) in nats.

    Example:
    >>> vae = keras_vae.VAE(encoder, decoder, prior=StandardNormal())
    >>> vae.prior.num_normals == vae.latent_dim
    True
    """

    def distribution(self) -> Normal:
        return Normal(ops.zeros((self.latent_dim,), dtype="float32"), 1.0)

    def from_choices(self, normals: Tensor, choices: Tensor) -> Tensor:
        del choices
        return normals
