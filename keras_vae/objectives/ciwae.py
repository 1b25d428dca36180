"""The combined importance-weighted autoencoder's objective."""

from typing import Any

from keras_vae.objectives.importance import log_mean_weight, normalized_weights
from keras_vae.objectives.iwae import IWAE
from keras_vae.objectives.objective import registry
from keras_vae.types import Tensor
from keras_vae.validation import require


@registry.register("ciwae")
class CIWAE(IWAE):
    """A convex combination of the ELBO and the importance-weighted bound.

    Minimises `-(beta * elbo + (1 - beta) * iw_elbo)`, both from the same
    samples and with a Monte Carlo KL.
    Source: Rainforth et al., 2018, CIWAE,
    https://arxiv.org/abs/1802.04537.

    Args:
        num_samples: Positive integer k, latents drawn per example. Defaults
            to `64`.
        elbo_weight: Float between 0 and 1, the paper's beta. Defaults to
            `0.05`.
        gradient: `"reparameterized"`; `"stl"`, which with more than one
            sample is biased away from an exact posterior; or `"dreg"`. See
            `ImportanceWeighted`. Defaults to `"reparameterized"`.

    Raises:
        TypeError: if `num_samples` is no integer.
        ValueError: if an argument is out of its range.

    Example:
    >>> objective = keras_vae.objectives.CIWAE(elbo_weight=0.05)
    """

    def __init__(
        self,
        num_samples: int = 64,
        elbo_weight: float = 0.05,
        gradient: str = "reparameterized",
    ) -> None:
        super().__init__(num_samples, gradient)
        require(
            0.0 <= elbo_weight <= 1.0,
            "`elbo_weight` must lie between 0 and 1. Received: "
            f"elbo_weight={elbo_weight!r}. Pass e.g. "
            "`CIWAE(elbo_weight=0.05)`.",
        )
        self.elbo_weight = float(elbo_weight)

    def bound(self, log_w: Tensor) -> Tensor:
        # One sample a group: the mean of log w, which is the ELBO.
        elbo = log_mean_weight(log_w, self.num_samples)
        return self._combined(elbo, log_mean_weight(log_w))

    def decoder_weights(self, log_w: Tensor) -> Tensor:
        weights = normalized_weights(log_w)
        return self._combined(1.0 / self.num_samples, weights)

    def encoder_weights(self, log_w: Tensor) -> Tensor:
        weights = super().encoder_weights(log_w)
        return self._combined(1.0 / self.num_samples, weights)

    def _combined(self, of_elbo: Tensor, of_iw_elbo: Tensor) -> Tensor:
        beta = self.elbo_weight
        return beta * of_elbo + (1.0 - beta) * of_iw_elbo

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "elbo_weight": self.elbo_weight}
