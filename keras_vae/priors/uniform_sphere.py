"""The uniform prior on the unit sphere."""

from keras_vae import distributions
from keras_vae.distributions.uniform_sphere import check_sphere_dim, normalize
from keras_vae.priors.prior import Prior, registry
from keras_vae.types import Shape, Tensor


@registry.register("uniform_sphere")
class UniformSphere(Prior):
    """Uniform on the unit sphere, for the posterior `VonMisesFisher`.

    Its KL from that posterior is analytic. The temperature of `generate` has
    no effect on it, except that 0 gives the sphere's center.
    Source: Davidson et al., 2018, section 3.2,
    https://arxiv.org/abs/1804.00891.

    Call arguments:
        z: Tensor `(..., latent_dim)` of length 1.

    Output shape:
        `(...,)`: log p(z) in nats, by the sphere's surface.

    Raises:
        ValueError: if the VAE's `latent_dim` is below 2.

    Example:
    >>> vae = keras_vae.VAE(
    ...     encoder, decoder,
    ...     posterior="von_mises_fisher", prior="uniform_sphere",
    ... )
    """

    def build(self, latents_shape: Shape) -> None:
        call = "networks.mlp_decoder(latent_dim=16)"
        check_sphere_dim("latent_dim", int(latents_shape[-1]), call)
        super().build(latents_shape)

    def distribution(self) -> distributions.UniformSphere:
        return distributions.UniformSphere(self.latent_dim)

    def from_choices(self, normals: Tensor, choices: Tensor) -> Tensor:
        del choices
        return normalize(normals)
