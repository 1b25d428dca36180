"""The von Mises-Fisher posterior."""

from typing import Any

from keras import ops

from keras_vae import distributions
from keras_vae.distributions.bounds import positive_scale
from keras_vae.distributions.uniform_sphere import check_sphere_dim, normalize
from keras_vae.layers import ParameterHead
from keras_vae.posteriors.flow import random_biases
from keras_vae.posteriors.posterior import Posterior, registry
from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int

# Concentrations lie between latent_dim * exp(-6) and latent_dim * exp(6).
_LIMIT = 6.0


@registry.register("von_mises_fisher")
class VonMisesFisher(Posterior):
    """q(z|x) = vMF(mean_direction(x), concentration(x)) on the unit sphere.

    It goes with `priors.UniformSphere`, to which its KL is analytic. The
    concentration starts near `latent_dim`, where the law is neither a point
    nor uniform, and is bounded smoothly. `encode(x).mean()` is the mean
    direction, a point of the sphere.
    Source: Davidson et al., 2018, section 3,
    https://arxiv.org/abs/1804.00891.

    Args:
        latent_dim: Integer, at least 2, dimensions of the space around the
            sphere.
        num_proposals: Positive integer, proposals of the sampler. Defaults
            to `12`.

    Input shape:
        `(batch, ...)`, the encoder's features.

    Output shape:
        `{"mean_direction": (batch, latent_dim), "concentration": (batch,)}`.

    Raises:
        TypeError: if a number is no integer.
        ValueError: if `latent_dim` is below 2 or `num_proposals` below 1.

    Example:
    >>> vae = keras_vae.VAE(
    ...     encoder, decoder,
    ...     posterior="von_mises_fisher", prior="uniform_sphere",
    ... )
    """

    def __init__(
        self, latent_dim: int, num_proposals: int = 12, **kwargs: Any
    ) -> None:
        super().__init__(latent_dim, **kwargs)
        call = "VonMisesFisher(latent_dim=16)"
        check_sphere_dim("latent_dim", self.latent_dim, call)
        self.num_proposals = positive_int(
            "num_proposals", num_proposals, "Pass e.g. `num_proposals=12`."
        )
        self.direction_head = ParameterHead(
            bias_initializer=random_biases(), name="direction_head"
        )
        self.concentration_head = ParameterHead(name="concentration_head")

    def build(self, features_shape: Shape) -> None:
        dims = (self.latent_dim,)
        self.direction_head.build(features_shape, event_shape=dims)
        self.concentration_head.build(features_shape, event_shape=(1,))

    def call(self, features: Tensor) -> dict[str, Tensor]:
        raw = ops.squeeze(self.concentration_head(features)[0], -1)
        return {
            "mean_direction": normalize(self.direction_head(features)[0]),
            "concentration": self.latent_dim * positive_scale(raw, _LIMIT),
        }

    def distribution(
        self, parameters: dict[str, Tensor]
    ) -> distributions.VonMisesFisher:
        return distributions.VonMisesFisher(
            parameters["mean_direction"],
            parameters["concentration"],
            self.num_proposals,
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_proposals": self.num_proposals}
