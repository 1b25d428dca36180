"""A diagonal normal prior with learned parameters."""

from keras_vae.distributions import Normal
from keras_vae.distributions.bounds import positive_scale
from keras_vae.priors.prior import Prior, registry
from keras_vae.types import Shape, Tensor


@registry.register("learned_normal")
class LearnedNormal(Prior):
    """p(z) = N(loc, diag(scale^2)) with learned loc and scale.

    It starts as the standard normal; scales stay between exp(-7) and exp(7).
    Its KL from a normal posterior is analytic.
    Source: Hoffman & Johnson, 2016, section 4,
    http://approximateinference.org/2016/accepted/HoffmanJohnson2016.pdf.

    Call arguments:
        z: Tensor `(..., latent_dim)`.

    Output shape:
        `(...,)`: log p(z) in nats.

    Example:
    >>> vae = keras_vae.VAE(encoder, decoder, prior="learned_normal")
    """

    def build(self, latents_shape: Shape) -> None:
        super().build(latents_shape)
        shape = (self.latent_dim,)
        self.loc = self.add_weight(name="loc", shape=shape, initializer="zeros")
        self.raw_scale = self.add_weight(
            name="raw_scale", shape=shape, initializer="zeros"
        )

    def distribution(self) -> Normal:
        return Normal(self.loc, positive_scale(self.raw_scale))

    def from_choices(self, normals: Tensor, choices: Tensor) -> Tensor:
        del choices
        return self.distribution().from_noise(normals)
