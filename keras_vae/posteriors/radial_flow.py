"""The radial flow posterior."""

from collections.abc import Sequence
from typing import Any

from keras_vae.distributions.bijectors import Bijector, Radial
from keras_vae.distributions.bounds import bounded, positive_scale
from keras_vae.posteriors.flow import Flow
from keras_vae.posteriors.posterior import registry
from keras_vae.types import Tensor

_LIMIT = 10.0


@registry.register("radial_flow")
class RadialFlow(Flow):
    """A diagonal normal pushed through radial steps.

    Its log-density is known along the path from the noise alone: there is
    no `log_prob` of a given z, and no analytic KL. `encode(x).mean()` is the
    base's mean pushed through the flow.
    Source: Rezende & Mohamed, 2015, equation 14,
    https://arxiv.org/abs/1505.05770.

    Args:
        latent_dim: Integer, number of latent dimensions.
        num_steps: Positive integer. Defaults to `10`.

    Input shape:
        `(batch, ...)`, the encoder's features.

    Output shape:
        `{"base_loc": (batch, latent_dim), "base_scale": (batch, latent_dim),
        "center": (batch, num_steps, latent_dim),
        "alpha": (batch, num_steps), "raw_beta": (batch, num_steps)}`; alpha
        lies between exp(-7) and exp(7), raw_beta between -10 and 10.

    Raises:
        TypeError: if a number is no integer.
        ValueError: if a number is below 1.

    Example:
    >>> vae = keras_vae.VAE(
    ...     encoder, decoder,
    ...     posterior=keras_vae.posteriors.RadialFlow(16, num_steps=20),
    ...     objective=keras_vae.objectives.ELBO(kl="monte_carlo"),
    ... )
    """

    def __init__(
        self, latent_dim: int, num_steps: int = 10, **kwargs: Any
    ) -> None:
        super().__init__(latent_dim, num_steps, **kwargs)

    @property
    def step_size(self) -> int:
        """Numbers that one step takes: the center, alpha and beta."""
        return self.latent_dim + 2

    def steps(self, raw: Tensor) -> dict[str, Tensor]:
        return {
            "center": raw[..., : self.latent_dim],
            "alpha": positive_scale(raw[..., -2]),
            "raw_beta": bounded(raw[..., -1], _LIMIT),
        }

    def bijectors(self, parameters: dict[str, Tensor]) -> Sequence[Bijector]:
        names = ("center", "alpha", "raw_beta")
        center, alpha, raw_beta = (parameters[name] for name in names)
        return [
            Radial(center[..., k, :], alpha[..., k], raw_beta[..., k])
            for k in range(self.num_steps)
        ]
