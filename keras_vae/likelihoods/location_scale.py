"""Likelihoods that have a location and a scale."""

from collections.abc import Callable
from typing import Any

from keras_vae.distributions import Distribution
from keras_vae.likelihoods.flexible import FlexibleLikelihood
from keras_vae.types import Tensor


class LocationScale(FlexibleLikelihood):
    """A likelihood whose location the decoder gives, beside a scale.

    Args:
        scale: Positive float, `"shared"`, `"per_output"` or `"predicted"`.
    """

    distribution_class: Callable[..., Distribution]

    def __init__(self, scale: float | str = 1.0, **kwargs: Any) -> None:
        self.scale = self._checked("scale", scale)
        super().__init__(**kwargs)

    def call(self, features: Tensor) -> dict[str, Tensor]:
        (loc,), flexible = self._split(features)
        return {"loc": loc, **flexible}

    def distribution(self, parameters: dict[str, Tensor]) -> Distribution:
        return type(self).distribution_class(
            **parameters, event_ndim=self.event_ndim
        )
