"""The normal posterior with a full covariance."""

from typing import Any

import numpy as np
from keras import ops

from keras_vae.distributions import MultivariateNormal
from keras_vae.distributions.bounds import bounded, positive_scale
from keras_vae.layers import ParameterHead
from keras_vae.posteriors.posterior import Posterior, registry
from keras_vae.types import Shape, Tensor

# Limit of the factor's elements left of the diagonal, in units of their
# row's diagonal element: correlations up to 0.995.
_LIMIT = 10.0


@registry.register("full_normal")
class FullNormal(Posterior):
    """q(z|x) = N(loc(x), scale_tril(x) scale_tril(x)^T).

    One Dense gives the Cholesky factor's rows, each as a scale, bounded as
    `DiagonalNormal`'s, times (bounded numbers, 1, zeros). Its KL to a normal
    prior is analytic. The parameters grow with the square of `latent_dim`.
    Source: Kingma & Welling, 2019, section 2.5.1,
    https://arxiv.org/abs/1906.02691.

    Args:
        latent_dim: Integer, number of latent dimensions.

    Input shape:
        `(batch, ...)`, the encoder's features.

    Output shape:
        `{"loc": (batch, latent_dim),
        "scale_tril": (batch, latent_dim, latent_dim)}`.

    Raises:
        TypeError: if `latent_dim` is no integer.
        ValueError: if `latent_dim` is below 1.

    Example:
    >>> posterior = keras_vae.posteriors.FullNormal(latent_dim=2)
    >>> posterior(keras.ops.zeros((5, 16)))["scale_tril"].shape
    (5, 2, 2)
    """

    def __init__(self, latent_dim: int, **kwargs: Any) -> None:
        super().__init__(latent_dim, **kwargs)
        self.head = ParameterHead(2, name="head")
        # No number stands left of a single dimension's diagonal.
        if self.latent_dim > 1:
            self.lower_head = ParameterHead(name="lower_head")

    def build(self, features_shape: Shape) -> None:
        dim = self.latent_dim
        self.head.build(features_shape, event_shape=(dim,))
        if dim > 1:
            count = dim * (dim - 1) // 2
            self.lower_head.build(features_shape, event_shape=(count,))

    def call(self, features: Tensor) -> dict[str, Tensor]:
        loc, raw_scale = self.head(features)
        scale = ops.expand_dims(positive_scale(raw_scale), -1)
        return {"loc": loc, "scale_tril": scale * self._unit_rows(features)}

    def _unit_rows(self, features: Tensor) -> Tensor:
        """Lower triangular matrices with a diagonal of ones."""
        dim = self.latent_dim
        if dim == 1:
            return ops.ones((1, 1), dtype="float32")
        lower = bounded(self.lower_head(features)[0], _LIMIT)
        # Every place takes one of the numbers; the mask cuts those above.
        places = np.zeros((dim, dim), dtype="int32")
        places[np.tril_indices(dim, -1)] = np.arange(dim * (dim - 1) // 2)
        values = ops.take(lower, places.reshape(-1), axis=-1)
        mask = np.tril(np.ones((dim, dim), dtype="float32"), -1)
        rows = ops.multiply(ops.reshape(values, (-1, dim, dim)), mask)
        return ops.add(rows, np.eye(dim, dtype="float32"))

    def distribution(self, parameters: dict[str, Tensor]) -> MultivariateNormal:
        return MultivariateNormal(parameters["loc"], parameters["scale_tril"])
