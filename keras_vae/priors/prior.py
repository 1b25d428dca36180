"""What every prior answers."""

from typing import Any

import keras

from keras_vae.distributions import Distribution
from keras_vae.registry import Registry
from keras_vae.types import Shape, Tensor

registry = Registry("prior")


class Prior(keras.layers.Layer):
    """A prior p(z).

    A prior declares how many standard normals and uniforms one draw takes
    and maps them to z, so that a seed gives the same latents in every
    runtime. It computes in float32 under any precision policy.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)

    def build(self, latents_shape: Shape) -> None:
        """Creates the weights for latents of shape `(batch, latent_dim)`."""
        self.latent_dim = int(latents_shape[-1])

    @property
    def num_normals(self) -> int:
        """Standard normals that one draw takes."""
        return self.latent_dim

    @property
    def num_uniforms(self) -> int:
        """Uniforms that one draw takes."""
        return 0

    def distribution(self) -> Distribution:
        """Returns p(z): batch shape `()`, event shape `(latent_dim,)`."""
        raise NotImplementedError

    def from_noise(self, normals: Tensor, uniform_bits: Tensor) -> Tensor:
        """Maps standard noise to latents.

        Args:
            normals: Float32 tensor `(num_samples, num_normals)`, scaled by
                the temperature already.
            uniform_bits: Uint32 array `(num_samples, num_uniforms)`.

        Returns:
            Tensor `(num_samples, latent_dim)`.
        """
        raise NotImplementedError

    def call(self, z: Tensor) -> Tensor:
        """Returns log p(z) in nats, shape `(...,)`."""
        return self.distribution().log_prob(z)
