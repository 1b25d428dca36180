"""The likelihood of mixtures of discretised logistics."""

from typing import Any

from keras import ops

from keras_vae.distributions import (
    MixtureOfDiscretizedLogistics as MixtureDistribution,
)
from keras_vae.distributions.bounds import bounded, positive_scale
from keras_vae.distributions.discretized_logistic import check_num_levels
from keras_vae.likelihoods.discretized_logistic import LevelsLikelihood
from keras_vae.likelihoods.likelihood import registry
from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int


@registry.register("mixture_of_discretized_logistics")
class MixtureOfDiscretizedLogistics(LevelsLikelihood):
    """Mixture of discretised logistics, for 8-bit grey and RGB images.

    x holds the levels k / 255 of [0, 1], as images are loaded. Of images
    (height, width, channels) one component is drawn for each pixel, and the
    centre of a channel depends linearly on the channels before it; of x
    with another number of axes, one for each element. Scales are bounded
    smoothly between exp(-7) and exp(7), the coefficients of the channels
    between -1 and 1.
    Source: Salimans et al., 2017, equations 2 and 3,
    https://arxiv.org/abs/1701.05517; as a VAE's likelihood: Child, 2021,
    https://arxiv.org/abs/2011.10650.

    Args:
        num_mixtures: Integer, number of components. Defaults to `10`.
        channel_coupling: Boolean, whether the channels of a pixel are
            coupled. Defaults to `True`.
        num_levels: Integer, levels of x, at least 2. Defaults to `256`.

    Input shape:
        `(batch, ...)`, the decoder's features.

    Output shape:
        For images `{"logits": (batch, height, width, num_mixtures), "loc":
        (batch, *event_shape, num_mixtures), "scale": as "loc"}`, and
        `"coefficients": (batch, height, width, num_pairs, num_mixtures)`
        where channels are coupled. The distribution's mean lies in [0, 1].

    Raises:
        TypeError: if `num_mixtures` or `num_levels` is no integer.
        ValueError: if `num_mixtures` is below 1, or `num_levels` below 2.

    Example:
    >>> likelihood = keras_vae.likelihoods.MixtureOfDiscretizedLogistics()
    >>> likelihood.build((None, 8, 8, 16), event_shape=(8, 8, 3))
    >>> likelihood(keras.ops.zeros((5, 8, 8, 16)))["loc"].shape
    (5, 8, 8, 3, 10)
    """

    def __init__(
        self,
        num_mixtures: int = 10,
        channel_coupling: bool = True,
        num_levels: int = 256,
        **kwargs: Any,
    ) -> None:
        self.num_mixtures = positive_int(
            "num_mixtures", num_mixtures, "Pass e.g. `num_mixtures=10`."
        )
        self.channel_coupling = bool(channel_coupling)
        self.num_levels = check_num_levels(num_levels)
        super().__init__(**kwargs)

    @property
    def has_channels(self) -> bool:
        """Whether the last axis of x holds the channels of a pixel."""
        return self.event_ndim == 3

    def _sizes(self) -> list[int]:
        """Rows of logits, locs, scales and coefficients of a pixel."""
        if not self.has_channels:
            return [1, 1, 1, 0]
        channels = self.event_shape[-1]
        pairs = channels * (channels - 1) // 2
        return [1, channels, channels, pairs * int(self.channel_coupling)]

    def _pixels(self) -> Shape:
        return self.event_shape[:-1] if self.has_channels else self.event_shape

    def _head_shape(self) -> Shape:
        size = sum(self._sizes()) * self.num_mixtures
        if self.has_channels:
            return (*self._pixels(), size)
        *spatial, last = self.event_shape
        return (*spatial, last * size)

    def call(self, features: Tensor) -> dict[str, Tensor]:
        sizes = self._sizes()
        shape = (-1, *self._pixels(), sum(sizes), self.num_mixtures)
        rows = ops.reshape(self.head(features)[0], shape)
        ends = [sum(sizes[: n + 1]) for n in range(4)]
        logits, loc, scale, coefficients = (
            rows[..., end - size : end, :]
            for end, size in zip(ends, sizes, strict=True)
        )
        parameters = {"logits": logits[..., 0, :]}
        if not self.has_channels:
            loc, scale = loc[..., 0, :], scale[..., 0, :]
        parameters["loc"] = loc + self._spread()
        parameters["scale"] = positive_scale(scale)
        if sizes[3]:
            parameters["coefficients"] = bounded(coefficients, 1.0)
        return parameters

    def _spread(self) -> Tensor:
        """Where the components start: side by side over [-1, 1]."""
        count = self.num_mixtures
        middles = (2.0 * ops.arange(count, dtype="float32") + 1.0) / count
        return middles - 1.0

    def distribution(
        self, parameters: dict[str, Tensor]
    ) -> MixtureDistribution:
        return MixtureDistribution(
            **parameters, event_ndim=self.event_ndim, num_levels=self.num_levels
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_mixtures": self.num_mixtures,
            "channel_coupling": self.channel_coupling,
            "num_levels": self.num_levels,
        }
