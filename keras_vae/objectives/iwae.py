"""The importance-weighted autoencoder's objective."""

from typing import Any

from keras_vae.objectives.importance import (
    ImportanceWeighted,
    log_mean_weight,
    normalized_weights,
)
from keras_vae.objectives.objective import registry
from keras_vae.types import Tensor
from keras_vae.validation import positive_int


@registry.register("iwae")
class IWAE(ImportanceWeighted):
    """The importance-weighted bound on log p(x).

    Minimises `-log(1/k sum_k w_k)`, w = p(x|z) p(z) / q(z|x). The bound
    rises with k towards log p(x); with one sample it is the ELBO with a
    Monte Carlo KL.
    Source: Burda et al., 2016, equation 8,
    https://arxiv.org/abs/1509.00519.

    Args:
        num_samples: Positive integer k, latents drawn per example. Defaults
            to `5`.
        gradient: `"reparameterized"`; `"stl"`, which with more than one
            sample is biased away from an exact posterior; or `"dreg"`,
            whose noise, unlike the first's, falls as k grows. See
            `ImportanceWeighted`. Defaults to `"reparameterized"`.

    Raises:
        TypeError: if `num_samples` is no integer.
        ValueError: if an argument is out of its range.

    Example:
    >>> objective = keras_vae.objectives.IWAE(num_samples=50, gradient="dreg")
    """

    def __init__(
        self, num_samples: int = 5, gradient: str = "reparameterized"
    ) -> None:
        super().__init__(gradient)
        self.num_samples = positive_int(
            "num_samples", num_samples, "Pass e.g. `IWAE(num_samples=5)`."
        )

    def bound(self, log_w: Tensor) -> Tensor:
        return log_mean_weight(log_w)

    def decoder_weights(self, log_w: Tensor) -> Tensor:
        return normalized_weights(log_w)

    def encoder_weights(self, log_w: Tensor) -> Tensor:
        weights = normalized_weights(log_w)
        return weights * weights if self.gradient == "dreg" else weights

    def get_config(self) -> dict[str, Any]:
        return {"num_samples": self.num_samples, "gradient": self.gradient}
