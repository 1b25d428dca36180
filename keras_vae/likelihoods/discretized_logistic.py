"""The discretised logistic likelihood."""

from typing import Any

import numpy as np

from keras_vae.distributions import (
    DiscretizedLogistic as DiscretizedLogisticDistribution,
)
from keras_vae.distributions.discretized_logistic import check_num_levels
from keras_vae.likelihoods.grid import off_grid
from keras_vae.likelihoods.likelihood import Likelihood, registry
from keras_vae.likelihoods.location_scale import LocationScale
from keras_vae.types import Tensor


class LevelsLikelihood(Likelihood):
    """A likelihood over the levels of 8-bit images: its support."""

    num_levels: int

    @property
    def support(self) -> str:  # type: ignore[override]
        """The values of x that are admitted, in words."""
        top = self.num_levels - 1
        return f"the {self.num_levels} levels k / {top} of [0, 1]"

    @property
    def remedy(self) -> str:  # type: ignore[override]
        """What to do with other values."""
        top = self.num_levels - 1
        return (
            "Load 8-bit images with `datasets.load(..., binarize=None)`, "
            f"divide raw levels with `x / {top}`, or round resized images "
            f"with `numpy.round(x * {top}) / {top}`."
        )

    def outside_support(self, x: np.ndarray) -> np.ndarray:
        return off_grid(x, self.num_levels)


@registry.register("discretized_logistic")
class DiscretizedLogistic(LevelsLikelihood, LocationScale):
    """Discretised logistic likelihood, for 8-bit images.

    x holds the levels k / 255 of [0, 1], as images are loaded. A learned
    scale, of [-1, 1], is bounded smoothly between exp(-7) and exp(7).
    Source: Kingma et al., 2016, section 5.2,
    https://arxiv.org/abs/1606.04934.

    Args:
        scale: Positive float, fixed; or one of `"shared"` (one learned for
            all elements), `"per_output"` (one learned for each element of x)
            and `"predicted"` (the decoder gives it for each element).
            Defaults to `"predicted"`.
        num_levels: Integer, levels of x, at least 2. Defaults to `256`.

    Input shape:
        `(batch, ...)`, the decoder's features.

    Output shape:
        `{"loc": (batch, *event_shape), "scale": ...}`, the scale of a
        shape that broadcasts to that of `loc`. The distribution's mean lies
        in [0, 1].

    Raises:
        TypeError: if `num_levels` is no integer.
        ValueError: if `scale` is neither a positive number nor one of the
            three words, or `num_levels` is below 2.

    Example:
    >>> likelihood = keras_vae.likelihoods.DiscretizedLogistic()
    """

    distribution_class = DiscretizedLogisticDistribution

    def __init__(
        self,
        scale: float | str = "predicted",
        num_levels: int = 256,
        **kwargs: Any,
    ) -> None:
        self.num_levels = check_num_levels(num_levels)
        super().__init__(scale, **kwargs)

    def distribution(
        self, parameters: dict[str, Tensor]
    ) -> DiscretizedLogisticDistribution:
        return DiscretizedLogisticDistribution(
            **parameters, event_ndim=self.event_ndim, num_levels=self.num_levels
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_levels": self.num_levels}
