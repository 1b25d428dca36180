"""The Householder flow posterior."""

from typing import Any

import keras
from keras import ops

from keras_vae.distributions import HouseholderNormal
from keras_vae.layers import ParameterHead
from keras_vae.posteriors.flow import base_parameters, random_biases
from keras_vae.posteriors.posterior import Posterior, registry
from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int


@registry.register("householder_flow")
class HouseholderFlow(Posterior):
    """A diagonal normal turned by Householder reflections.

    The result is normal with a full covariance, of far fewer parameters than
    `FullNormal`'s: mean, log-density and the KL to a normal prior are exact.
    The first reflection's vector is a Dense of the features, each other one
    a Dense of the vector before it.
    Source: Tomczak & Welling, 2016, section 3.2,
    https://arxiv.org/abs/1611.09630.

    Args:
        latent_dim: Integer, number of latent dimensions.
        num_steps: Positive integer, reflections. Defaults to `4`.

    Input shape:
        `(batch, ...)`, the encoder's features.

    Output shape:
        `{"base_loc": (batch, latent_dim), "base_scale": (batch, latent_dim),
        "vectors": (batch, num_steps, latent_dim)}`.

    Raises:
        TypeError: if a number is no integer.
        ValueError: if a number is below 1.

    Example:
    >>> posterior = keras_vae.posteriors.HouseholderFlow(16, num_steps=8)
    """

    def __init__(
        self, latent_dim: int, num_steps: int = 4, **kwargs: Any
    ) -> None:
        super().__init__(latent_dim, **kwargs)
        self.num_steps = positive_int(
            "num_steps",
            num_steps,
            "Pass e.g. `HouseholderFlow(latent_dim=16, num_steps=4)`.",
        )
        self.base_head = ParameterHead(2, name="base_head")
        self.first_vector = ParameterHead(
            bias_initializer=random_biases(), name="first_vector"
        )
        self.next_vectors = [
            keras.layers.Dense(
                self.latent_dim,
                bias_initializer=random_biases(),
                dtype=self.dtype_policy,
                name=f"vector_{number}",
            )
            for number in range(1, self.num_steps)
        ]

    def build(self, features_shape: Shape) -> None:
        self.base_head.build(features_shape, event_shape=(self.latent_dim,))
        self.first_vector.build(features_shape, event_shape=(self.latent_dim,))
        for layer in self.next_vectors:
            layer.build((None, self.latent_dim))

    def call(self, features: Tensor) -> dict[str, Tensor]:
        vectors = [self.first_vector(features)[0]]
        for layer in self.next_vectors:
            vectors.append(layer(vectors[-1]))
        return {
            **base_parameters(self.base_head, features),
            "vectors": ops.stack(vectors, axis=-2),
        }

    def distribution(self, parameters: dict[str, Tensor]) -> HouseholderNormal:
        return HouseholderNormal(
            parameters["base_loc"],
            parameters["base_scale"],
            parameters["vectors"],
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_steps": self.num_steps}
