"""The layer that ends `VAE.generator`."""

from typing import Any

import keras

from keras_vae.likelihoods.likelihood import Likelihood
from keras_vae.types import Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_vae")
class LikelihoodMean(keras.layers.Layer):
    """The mean of p(x|z) from the decoder's features.

    Args:
        likelihood: A built `Likelihood`, whose weights it shares.

    Input shape:
        `(batch, ...)`, the decoder's features.

    Output shape:
        `(batch, *event_shape)`.
    """

    def __init__(self, likelihood: Likelihood, **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.likelihood = likelihood
        self.built = True

    def call(self, features: Tensor) -> Tensor:
        return self.likelihood.distribution(self.likelihood(features)).mean()

    def compute_output_shape(self, features_shape: Shape) -> Shape:
        return (features_shape[0], *self.likelihood.event_shape)

    def get_config(self) -> dict[str, Any]:
        likelihood = keras.saving.serialize_keras_object(self.likelihood)
        return {**super().get_config(), "likelihood": likelihood}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LikelihoodMean":
        """Rebuilds the layer with its likelihood."""
        config = dict(config)
        config["likelihood"] = keras.saving.deserialize_keras_object(
            config["likelihood"]
        )
        return cls(**config)
