"""The reparameterisation layer."""

from typing import Any

import keras
import numpy as np

from keras_vae.distributions import Distribution, Normal
from keras_vae.random import threefry
from keras_vae.types import Shape, Tensor
from keras_vae.validation import SEED_LIMIT, backend_seed

_STATE = "seed_generator_state"


@keras.saving.register_keras_serializable(package="keras_vae")
class Sampling(keras.layers.Layer):
    """Draws z = loc + scale * eps, with eps from a generator of its own.

    The reparameterisation trick: the sample is a deterministic,
    differentiable function of the parameters and of standard noise.
    Source: Kingma & Welling, 2014, section 2.4,
    https://arxiv.org/abs/1312.6114.

    Args:
        seed: Integer from 0 to 2^31 - 1 that starts the layer's own
            `keras.random.SeedGenerator`, or `None` for a random start. The
            generator's state is saved with the layer.

    Call arguments:
        inputs: Pair `(loc, scale)` of tensors of shape
            `(batch, latent_dim)`; `scale` is positive.

    Output shape:
        `(batch, latent_dim)`, float32.

    Raises:
        TypeError: if `seed` is no integer.
        ValueError: if `seed` is out of its range.

    Example:
    >>> loc, scale = keras.ops.zeros((2, 3)), keras.ops.ones((2, 3))
    >>> keras_vae.layers.Sampling(seed=0)((loc, scale)).shape
    (2, 3)
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.seed = seed
        if seed is not None:
            self.seed = backend_seed(seed, " or None")
        self.seed_generator = keras.random.SeedGenerator(_spread(self.seed))
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

    def save_own_variables(self, store: Any) -> None:
        """Saves the generator's state, which Keras itself leaves out."""
        state = keras.ops.convert_to_numpy(self.seed_generator.state)
        store[_STATE] = np.asarray(state, dtype="int64")

    def load_own_variables(self, store: Any) -> None:
        """Takes up the saved generator's state."""
        self.seed_generator.state.assign(np.asarray(store[_STATE]))


def _spread(seed: int | None) -> int | None:
    """Takes neighbouring seeds far apart.

    On PyTorch, Keras adds the number of the draw to the seed, so that draw 1
    under seed 0 would be draw 0 under seed 1.
    """
    if seed is None:
        return None
    return int(threefry.blocks(seed, counters=0)[0] % SEED_LIMIT)
