"""The reparameterisation layer."""

from typing import Any

import keras

from keras_vae.distributions import Distribution, Normal
from keras_vae.types import Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_vae")
class Sampling(keras.layers.Layer):
    """Draws z = loc + scale * eps, with eps from a generator of its own.

    The reparameterisation trick: the sample is a deterministic,
    differentiable function of the parameters and of standard noise.
    Source: Kingma & Welling, 2014, section 2.4,
    https://arxiv.org/abs/1312.6114.

    Args:
        seed: Integer that starts the layer's own
            `keras.random.SeedGenerator`, or `None` for a random start.

    Call arguments:
        inputs: Pair `(loc, scale)` of tensors of shape
            `(batch, latent_dim)`; `scale` is positive.

    Output shape:
        `(batch, latent_dim)`, float32.

    Example:
    >>> loc, scale = keras.ops.zeros((2, 3)), keras.ops.ones((2, 3))
    >>> keras_vae.layers.Sampling(seed=0)((loc, scale)).shape
    (2, 3)
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, inputs: tuple[Tensor, Tensor]) -> Tensor:
        loc, scale = inputs
        return self.sample(Normal(loc, scale))

    def sample(
        self, distribution: Distribution, num_samples: int | None = None
    ) -> Tensor:
        """Draws from any distribution with this layer's generator.

        Args:
            distribution: `Distribution`.
            num_samples: Integer, or `None` for no leading axis.

        Returns:
            Tensor `(num_samples, *batch_shape, *event_shape)`.
        """
        return distribution.sample(num_samples, seed=self.seed_generator)

    def sample_with_log_prob(
        self, distribution: Distribution, num_samples: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Draws as `sample`, and returns the log-density of what it drew.

        Returns:
            `(samples, log_prob)`, the second `(num_samples, *batch_shape)`
            in nats.
        """
        noise = distribution.draw_noise(num_samples, self.seed_generator)
        return distribution.from_noise_with_log_prob(*noise)

    def compute_output_shape(self, input_shape: tuple[Shape, Shape]) -> Shape:
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}
