"""The binary Concrete posterior."""

from typing import Any

from keras_vae.distributions import (
    Distribution,
    RelaxedBernoulli,
    StraightThroughBernoulli,
)
from keras_vae.distributions.bounds import bounded
from keras_vae.layers import ParameterHead
from keras_vae.posteriors.posterior import registry
from keras_vae.posteriors.relaxed import LOGIT_LIMIT, Relaxed
from keras_vae.types import Shape, Tensor


@registry.register("binary_concrete")
class BinaryConcrete(Relaxed):
    """Bernoulli variables, relaxed so that samples can be differentiated.

    The kinds are those of `Concrete`, with `priors.Bernoulli` in the place
    of `priors.Categorical`.
    Source: Maddison et al., 2017, appendix B,
    https://arxiv.org/abs/1611.00712.

    Args:
        latent_dim: Integer, number of variables.
        temperature: Positive number, or a `Schedule` of training steps,
            which then never falls below 0.01. Defaults to `2 / 3`.
        straight_through: Boolean, whether samples are 0 or 1 and only their
            gradient is relaxed. Defaults to `True`.
        discrete_kl: Boolean, whether relaxed samples meet the KL of the
            discrete variables, which makes the ELBO no bound. Defaults to
            `False`.

    Input shape:
        `(batch, ...)`, the encoder's features.

    Output shape:
        `{"logits": (batch, latent_dim)}`, bounded between -10 and 10.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if an argument is out of its range.

    Example:
    >>> vae = keras_vae.VAE(
    ...     encoder, decoder, posterior="binary_concrete", prior="bernoulli"
    ... )
    """

    def __init__(
        self,
        latent_dim: int,
        temperature: Any = 2 / 3,
        straight_through: bool = True,
        discrete_kl: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            latent_dim, temperature, straight_through, discrete_kl, **kwargs
        )
        self.head = ParameterHead(name="head")

    def build(self, features_shape: Shape) -> None:
        self.head.build(features_shape, event_shape=(self.latent_dim,))

    def call(self, features: Tensor) -> dict[str, Tensor]:
        return {"logits": bounded(self.head(features)[0], LOGIT_LIMIT)}

    def distribution(self, parameters: dict[str, Tensor]) -> Distribution:
        logits, temperature = parameters["logits"], self.current_temperature()
        if self.straight_through:
            return StraightThroughBernoulli(logits, temperature)
        return RelaxedBernoulli(logits, temperature, self.discrete_kl)
