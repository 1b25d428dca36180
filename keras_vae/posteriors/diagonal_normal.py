"""The normal posterior with a diagonal covariance."""

from typing import Any

from keras_vae.distributions import Normal
from keras_vae.distributions.bounds import positive_scale
from keras_vae.layers import ParameterHead
from keras_vae.posteriors.posterior import Posterior, registry
from keras_vae.types import Shape, Tensor


@registry.register("diagonal_normal")
class DiagonalNormal(Posterior):
    """q(z|x) = N(loc(x), diag(scale(x)^2)).

    One Dense on the flattened features gives `loc` and the raw scale; the
    scale is bounded smoothly between exp(-7) and exp(7), so that it never
    overflows and its gradient never vanishes at once.
    Source: Kingma & Welling, 2014, equation 9,
    https://arxiv.org/abs/1312.6114.

    Args:
        latent_dim: Integer, number of latent dimensions.

    Input shape:
        `(batch, ...)`, the encoder's features.

    Output shape:
        `{"loc": (batch, latent_dim), "scale": (batch, latent_dim)}`.

    Raises:
        TypeError: if `latent_dim` is no integer.
        ValueError: if `latent_dim` is below 1.

    Example:
    >>> posterior = keras_vae.posteriors.DiagonalNormal(latent_dim=2)
    >>> posterior(keras.ops.zeros((5, 16)))["loc"].shape
    (5, 2)
    """

    def __init__(self, latent_dim: int, **kwargs: Any) -> None:
        super().__init__(latent_dim, **kwargs)
        self.head = ParameterHead(2, name="head")

    def build(self, features_shape: Shape) -> None:
        self.head.build(features_shape, event_shape=(self.latent_dim,))

    def call(self, features: Tensor) -> dict[str, Tensor]:
        loc, raw_scale = self.head(features)
        return {"loc": loc, "scale": positive_scale(raw_scale)}

    def distribution(self, parameters: dict[str, Tensor]) -> Normal:
        return Normal(parameters["loc"], parameters["scale"])
