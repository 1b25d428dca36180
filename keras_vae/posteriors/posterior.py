"""What every approximate posterior answers."""

from collections.abc import Callable
from typing import Any

import keras

from keras_vae.distributions import Distribution
from keras_vae.registry import Registry
from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int

registry = Registry("posterior")


class Posterior(keras.layers.Layer):
    """An approximate posterior q(z|x): features to a distribution of z.

    A subclass makes its parameters in `call` and its distribution in
    `distribution`. It computes in float32 under any precision policy.

    Args:
        latent_dim: Integer, number of latent dimensions.

    Raises:
        TypeError: if `latent_dim` is no integer.
        ValueError: if `latent_dim` is below 1.
    """

    def __init__(self, latent_dim: int, **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.latent_dim = positive_int(
            "latent_dim",
            latent_dim,
            f"Pass e.g. `{type(self).__name__}(latent_dim=16)`.",
        )

    def attach(self, step: Callable[[], Tensor]) -> None:
        """Tells the posterior where the VAE it belongs to counts its steps.

        A VAE calls it when it is made. A posterior whose parameters follow
        a schedule keeps the function.

        Args:
            step: Function that returns the training step, an integer scalar.
        """
        del step

    def build(self, features_shape: Shape) -> None:
        """Creates the weights for features of shape `(batch, ...)`."""
        raise NotImplementedError

    def call(self, features: Tensor) -> dict[str, Tensor]:
        """Returns the parameters by name, each `(batch, ...)`."""
        raise NotImplementedError

    def distribution(self, parameters: dict[str, Tensor]) -> Distribution:
        """Returns q(z|x), with event shape `(latent_dim,)`."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "latent_dim": self.latent_dim}
