"""The planar flow posterior."""

from collections.abc import Sequence
from typing import Any

from keras_vae.distributions.bijectors import Bijector, Planar
from keras_vae.distributions.bounds import bounded
from keras_vae.posteriors.flow import Flow
from keras_vae.posteriors.posterior import registry
from keras_vae.types import Tensor

_LIMIT = 10.0


@registry.register("planar_flow")
class PlanarFlow(Flow):
    """A diagonal normal pushed through planar steps.

    Its log-density is known along the path from the noise alone: there is
    no `log_prob` of a given z, and no analytic KL. `encode(x).mean()` is the
    base's mean pushed through the flow.
    Source: Rezende & Mohamed, 2015, equations 10 to 13,
    https://arxiv.org/abs/1505.05770.

    Args:
        latent_dim: Integer, number of latent dimensions.
        num_steps: Positive integer. Defaults to `10`.

    Input shape:
        `(batch, ...)`, the encoder's features.

    Output shape:
        `{"base_loc": (batch, latent_dim), "base_scale": (batch, latent_dim),
        "u": (batch, num_steps, latent_dim),
        "w": (batch, num_steps, latent_dim), "b": (batch, num_steps)}`; u, w
        and b lie between -10 and 10.

    Raises:
        TypeError: if a number is no integer.
        ValueError: if a number is below 1.

    Example:
    >>> vae = keras_vae.VAE(
    ...     encoder, decoder,
    ...     posterior=keras_vae.posteriors.PlanarFlow(16, num_steps=20),
    ...     objective=keras_vae.objectives.ELBO(kl="monte_carlo"),
    ... )
    """

    def __init__(
        self, latent_dim: int, num_steps: int = 10, **kwargs: Any
    ) -> None:
        super().__init__(latent_dim, num_steps, **kwargs)

    @property
    def step_size(self) -> int:
        """Numbers that one step takes: u, w and b."""
        return 2 * self.latent_dim + 1

    def steps(self, raw: Tensor) -> dict[str, Tensor]:
        raw, dim = bounded(raw, _LIMIT), self.latent_dim
        return {
            "u": raw[..., :dim],
            "w": raw[..., dim : 2 * dim],
            "b": raw[..., -1],
        }

    def bijectors(self, parameters: dict[str, Tensor]) -> Sequence[Bijector]:
        u, w, b = (parameters[name] for name in ("u", "w", "b"))
        return [
            Planar(u[..., k, :], w[..., k, :], b[..., k])
            for k in range(self.num_steps)
        ]
