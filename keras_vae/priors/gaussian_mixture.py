"""A mixture of diagonal normals as a prior."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vae.distributions import Mixture, Normal
from keras_vae.distributions.bounds import positive_scale
from keras_vae.priors.discrete import softmax_rows
from keras_vae.priors.prior import Prior, registry
from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int


@registry.register("gaussian_mixture")
class GaussianMixture(Prior):
    """p(z) = sum_k w_k N(loc_k, diag(scale_k^2)), all of it learned.

    Means start as draws from the standard normal, scales at 1, weights equal.
    There is no analytic KL: train with `objectives.ELBO(kl="monte_carlo")`.
    Source: Tomczak & Welling, 2018, section 3 (the mixture of Gaussians that
    the VampPrior is compared with), https://arxiv.org/abs/1705.07120.

    Args:
        num_components: Positive integer. Defaults to `10`.

    Call arguments:
        z: Tensor `(..., latent_dim)`.

    Output shape:
        `(...,)`: log p(z) in nats.

    Raises:
        TypeError: if `num_components` is no integer.
        ValueError: if `num_components` is below 1.

    Example:
    >>> prior = keras_vae.priors.GaussianMixture(num_components=20)
    """

    def __init__(self, num_components: int = 10, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_components = positive_int(
            "num_components",
            num_components,
            "Pass e.g. `GaussianMixture(num_components=10)`.",
        )

    def build(self, latents_shape: Shape) -> None:
        super().build(latents_shape)
        shape = (self.num_components, self.latent_dim)
        self.logits = self.add_weight(
            name="logits", shape=shape[:1], initializer="zeros"
        )
        self.locs = self.add_weight(
            name="locs",
            shape=shape,
            initializer=keras.initializers.RandomNormal(stddev=1.0),
        )
        self.raw_scales = self.add_weight(
            name="raw_scales", shape=shape, initializer="zeros"
        )

    @property
    def num_uniforms(self) -> int:
        return 1

    def components(self) -> Normal:
        """The components, batch shape `(num_components,)`."""
        return Normal(self.locs, positive_scale(self.raw_scales))

    def distribution(self) -> Mixture:
        return Mixture(self.logits, self.components())

    def choice_probabilities(self) -> np.ndarray:
        return softmax_rows(ops.expand_dims(self.logits, 0))

    def from_choices(self, normals: Tensor, choices: Tensor) -> Tensor:
        components, chosen = self.components(), choices[:, 0]
        loc = ops.take(components.loc, chosen, axis=0)
        scale = ops.take(components.scale, chosen, axis=0)
        return Normal(loc, scale).from_noise(normals)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_components": self.num_components}
