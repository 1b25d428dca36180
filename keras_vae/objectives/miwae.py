"""The multiply importance-weighted autoencoder's objective."""

from typing import Any

from keras_vae.objectives.importance import (
    ImportanceWeighted,
    log_mean_weight,
    normalized_weights,
)
from keras_vae.objectives.objective import registry
from keras_vae.types import Tensor
from keras_vae.validation import positive_int


@registry.register("miwae")
class MIWAE(ImportanceWeighted):
    """The mean of several importance-weighted bounds.

    Minimises `-1/m sum_m log(1/k sum_k w_mk)`. The encoder's gradient of a
    bound of many samples drowns in noise; the mean of m bounds has less of
    it, and is as tight as a bound of k. One group is `IWAE`; groups of one
    sample are the ELBO with a Monte Carlo KL.
    Source: Rainforth et al., 2018, MIWAE,
    https://arxiv.org/abs/1802.04537.

    Args:
        num_groups: Positive integer m, bounds that are averaged. Defaults
            to `8`.
        group_size: Positive integer k, samples of each bound. Defaults to
            `8`.
        gradient: `"reparameterized"`; `"stl"`, which with more than one
            sample in a group is biased away from an exact posterior; or
            `"dreg"`. See `ImportanceWeighted`. Defaults to
            `"reparameterized"`.

    Raises:
        TypeError: if a number is no integer.
        ValueError: if an argument is out of its range.

    Example:
    >>> objective = keras_vae.objectives.MIWAE(num_groups=8, group_size=8)
    """

    def __init__(
        self,
        num_groups: int = 8,
        group_size: int = 8,
        gradient: str = "reparameterized",
    ) -> None:
        super().__init__(gradient)
        fix = f"Pass e.g. `{type(self).__name__}(num_groups=8, group_size=8)`."
        self.num_groups = positive_int("num_groups", num_groups, fix)
        self.group_size = positive_int("group_size", group_size, fix)
        self.num_samples = self.num_groups * self.group_size

    def bound(self, log_w: Tensor) -> Tensor:
        return log_mean_weight(log_w, self.num_groups)

    def decoder_weights(self, log_w: Tensor) -> Tensor:
        return normalized_weights(log_w, self.num_groups) / self.num_groups

    def encoder_weights(self, log_w: Tensor) -> Tensor:
        weights = normalized_weights(log_w, self.num_groups)
        if self.gradient == "dreg":
            weights = weights * weights
        return weights / self.num_groups

    def get_config(self) -> dict[str, Any]:
        return {
            "num_groups": self.num_groups,
            "group_size": self.group_size,
            "gradient": self.gradient,
        }
