"""What the flow posteriors with steps of their own parameters share."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_vae.distributions import Normal, Transformed
from keras_vae.distributions.bijectors import Bijector
from keras_vae.distributions.bounds import positive_scale
from keras_vae.layers import ParameterHead
from keras_vae.posteriors.posterior import Posterior
from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int


def random_biases() -> keras.initializers.Initializer:
    """Biases that keep steps apart where all features are 0."""
    return keras.initializers.RandomNormal(stddev=0.1)


class Flow(Posterior):
    """A diagonal normal pushed through steps whose parameters depend on x.

    A subclass says how many numbers a step takes, names them, and makes the
    steps.

    Args:
        latent_dim: Integer, number of latent dimensions.
        num_steps: Positive integer, steps of the flow.

    Raises:
        TypeError: if a number is no integer.
        ValueError: if a number is below 1.
    """

    def __init__(self, latent_dim: int, num_steps: int, **kwargs: Any) -> None:
        super().__init__(latent_dim, **kwargs)
        self.num_steps = positive_int(
            "num_steps",
            num_steps,
            f"Pass e.g. `{type(self).__name__}(latent_dim=16, num_steps=10)`.",
        )
        self.base_head = ParameterHead(2, name="base_head")
        self.steps_head = ParameterHead(
            bias_initializer=random_biases(), name="steps_head"
        )

    def build(self, features_shape: Shape) -> None:
        self.base_head.build(features_shape, event_shape=(self.latent_dim,))
        count = self.num_steps * self.step_size
        self.steps_head.build(features_shape, event_shape=(count,))

    def call(self, features: Tensor) -> dict[str, Tensor]:
        raw = self.steps_head(features)[0]
        raw = ops.reshape(raw, (-1, self.num_steps, self.step_size))
        return {**base_parameters(self.base_head, features), **self.steps(raw)}

    def distribution(self, parameters: dict[str, Tensor]) -> Transformed:
        return Transformed(base_of(parameters), self.bijectors(parameters))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_steps": self.num_steps}

    @property
    def step_size(self) -> int:
        """Numbers that one step takes."""
        raise NotImplementedError

    def steps(self, raw: Tensor) -> dict[str, Tensor]:
        """Names the numbers `(batch, num_steps, step_size)` of all steps."""
        raise NotImplementedError

    def bijectors(self, parameters: dict[str, Tensor]) -> Sequence[Bijector]:
        """Makes the steps from the parameters."""
        raise NotImplementedError


def base_parameters(head: ParameterHead, features: Tensor) -> dict[str, Tensor]:
    """The parameters of the normal that a flow starts from."""
    loc, raw_scale = head(features)
    return {"base_loc": loc, "base_scale": positive_scale(raw_scale)}


def base_of(parameters: dict[str, Tensor]) -> Normal:
    """The normal that a flow starts from."""
    return Normal(parameters["base_loc"], parameters["base_scale"])
