"""Mixtures of discretised logistic distributions, with coupled channels."""

import copy
from typing import Any

from keras import ops

from keras_vae.distributions.discretized_logistic import (
    centre,
    check_num_levels,
    draw_levels,
    log_mass,
    mean_of_levels,
    mode_of_levels,
    to_level,
)
from keras_vae.distributions.distribution import (
    Distribution,
    check_event_ndim,
    sum_event,
)
from keras_vae.distributions.draws import split_seed, uniforms
from keras_vae.distributions.special import as_float32
from keras_vae.types import Shape, Tensor
from keras_vae.validation import require


class MixtureOfDiscretizedLogistics(Distribution):
    """Mixture of discretised logistics, for 8-bit images.

    One component is drawn for each pixel, for all of its channels; in it the
    centre of a channel is shifted by a linear function of the channels
    before it (for RGB: of red for green, of red and green for blue).
    Source: Salimans et al., 2017, equations 2 and 3,
    https://arxiv.org/abs/1701.05517.

    Args:
        logits: Tensor `(..., num_mixtures)`, unnormalised log-weights of each
            pixel's components.
        loc: Tensor `(..., num_channels, num_mixtures)` for pixels with
            channels, or of the shape of `logits` for x without a channel
            axis; on the scale of [-1, 1].
        scale: Positive tensor of the shape of `loc`.
        coefficients: Tensor `(..., num_pairs, num_mixtures)` of the pairs of
            channels (1, 0), (2, 0), (2, 1), ...; or `None` for channels that
            are not coupled. Defaults to `None`.
        event_ndim: Integer, trailing dimensions of x that form one event, the
            channel axis counted. Defaults to `1`.
        num_levels: Integer, at least 2. Defaults to `256`.

    Output shape:
        `log_prob(x)`: `batch_shape`, in nats, summed over the event.
        `mean()` is exact where channels are not coupled; with coefficients
        a channel's mean is computed at the means of those before it, which
        is exact but for the mass that the end levels cut off. `mode()` is
        the likeliest of the components' own modes, found channel by channel.

    Raises:
        ValueError: if the shapes do not fit together.

    Example:
    >>> zeros = keras.ops.zeros((2, 8, 8, 3, 10))
    >>> p = keras_vae.distributions.MixtureOfDiscretizedLogistics(
    ...     zeros[..., 0, :], zeros, zeros + 0.1, zeros, event_ndim=3
    ... )
    >>> p.log_prob(zeros[..., 0]).shape
    (2,)
    """

    reference_measure = "counting"

    def __init__(
        self,
        logits: Tensor,
        loc: Tensor,
        scale: Tensor,
        coefficients: Tensor | None = None,
        event_ndim: int = 1,
        num_levels: int = 256,
    ) -> None:
        self.logits, self.loc = as_float32(logits), as_float32(loc)
        self.scale = as_float32(scale)
        self.coefficients = None
        if coefficients is not None:
            self.coefficients = as_float32(coefficients)
        self.num_levels = check_num_levels(num_levels)
        self.has_channels = len(self.loc.shape) == len(self.logits.shape) + 1
        check_event_ndim("logits", self.loc, event_ndim + 1)
        self.event_ndim = event_ndim
        self._check_shapes()

    def _check_shapes(self) -> None:
        ranks = (len(self.logits.shape), len(self.loc.shape))
        fits = self.has_channels or ranks[0] == ranks[1]
        require(
            fits and self.event_ndim >= int(self.has_channels),
            "`loc` must have the shape of `logits`, or one more axis before "
            "the last for channels, which an event holds. Received: "
            f"logits.shape={tuple(self.logits.shape)}, "
            f"loc.shape={tuple(self.loc.shape)}, event_ndim={self.event_ndim}."
            " Pass e.g. logits (2, 8, 8, 10) and loc (2, 8, 8, 3, 10) with "
            "`event_ndim=3`.",
        )
        if self.coefficients is None:
            return
        pairs = self.num_channels * (self.num_channels - 1) // 2
        require(
            self.has_channels and self.coefficients.shape[-2] == pairs,
            "`coefficients` must hold one row for each pair of channels. "
            f"Received: coefficients.shape={tuple(self.coefficients.shape)} "
            f"for {self.num_channels} channels, which have {pairs} pairs. "
            "Pass `coefficients=None` to leave channels uncoupled.",
        )

    @property
    def num_channels(self) -> int:
        """Number of channels of a pixel."""
        return int(self.loc.shape[-2]) if self.has_channels else 1

    @property
    def batch_shape(self) -> Shape:
        shape = ops.shape(self.loc)[:-1]
        return tuple(shape[: len(shape) - self.event_ndim])

    @property
    def event_shape(self) -> Shape:
        shape = ops.shape(self.loc)[:-1]
        return tuple(shape[len(shape) - self.event_ndim :])

    # --- Channels -----------------------------------------------------------

    def _channel(self, parameter: Tensor, channel: int) -> Tensor:
        return parameter[..., channel, :] if self.has_channels else parameter

    def _shift(self, channel: int, before: list[Tensor], rows: Tensor) -> Any:
        """What the channels before add to a centre."""
        if rows is None:
            return 0.0
        first = channel * (channel - 1) // 2
        return sum(
            rows[..., first + n, :] * value for n, value in enumerate(before)
        )

    def _log_joint(self, x: Tensor) -> Tensor:
        """Log weight and log-mass of each pixel, `(..., num_mixtures)`.

        Args:
            x: Tensor of levels in [0, 1], `(..., 1 or num_mixtures)`.
        """
        total = ops.log_softmax(self.logits, axis=-1)
        before: list[Tensor] = []
        for channel in range(self.num_channels):
            level = to_level(self._channel(x, channel), self.num_levels)
            centred = centre(
                level, self._channel(self.loc, channel), self.num_levels
            )
            centred = centred - self._shift(channel, before, self.coefficients)
            scale = self._channel(self.scale, channel)
            total = total + log_mass(level, centred, scale, self.num_levels)
            # 2 x - 1, in halves of a level as `centred` is
            before.append(2.0 * level - (self.num_levels - 1))
        return total

    def _stacked(self, channels: list[Tensor]) -> Tensor:
        if not self.has_channels:
            return channels[0]
        return ops.stack(channels, axis=-2)

    def _through_components(self, function: Any) -> Tensor:
        """Runs channel after channel; `function` maps loc and scale to x."""
        channels: list[Tensor] = []
        before: list[Tensor] = []
        for channel in range(self.num_channels):
            loc = self._channel(self.loc, channel)
            loc = loc + self._shift(channel, before, self.coefficients)
            x = function(loc, self._channel(self.scale, channel))
            channels.append(x)
            before.append(2.0 * x - 1.0)
        return self._stacked(channels)

    # --- Answers ------------------------------------------------------------

    def log_prob(self, x: Tensor) -> Tensor:
        joint = self._log_joint(as_float32(x)[..., None])
        pixels = ops.logsumexp(joint, axis=-1)
        return sum_event(pixels, self.event_ndim - int(self.has_channels))

    def mean(self) -> Tensor:
        means = self._through_components(
            lambda loc, scale: mean_of_levels(loc, scale, self.num_levels)
        )
        weights = ops.exp(ops.log_softmax(self.logits, axis=-1))
        return self._weighted(means, weights)

    def mode(self) -> Tensor:
        modes = self._through_components(
            lambda loc, scale: mode_of_levels(loc, scale, self.num_levels)
        )
        masses = self._for_each_candidate(modes)
        best = ops.argmax(ops.logsumexp(masses, axis=-1), axis=-1)
        return self._weighted(modes, self._one_hot(best))

    def _for_each_candidate(self, x: Tensor) -> Tensor:
        """What `_log_joint` gives for each x along the last axis."""
        axis = -3 if self.has_channels else -2
        one = copy.copy(self)
        one.logits = ops.expand_dims(self.logits, -2)
        one.loc = ops.expand_dims(self.loc, axis)
        one.scale = ops.expand_dims(self.scale, axis)
        if self.coefficients is not None:
            one.coefficients = ops.expand_dims(self.coefficients, axis)
        return one._log_joint(ops.moveaxis(x, -1, axis + 1)[..., None])

    def sample(
        self, num_samples: int | None = None, seed: Any = None
    ) -> Tensor:
        seeds = split_seed(seed, 1 + self.num_channels)
        lead = () if num_samples is None else (num_samples,)
        shape = (*lead, *ops.shape(self.logits))
        # The largest of logits and Gumbel noise names the component.
        gumbel = -ops.log(-ops.log(uniforms(shape, seeds[0])))
        component = self._one_hot(ops.argmax(self.logits + gumbel, axis=-1))
        noise = iter(seeds[1:])

        def draw(loc: Tensor, scale: Tensor) -> Tensor:
            u = uniforms(shape[:-1], next(noise))[..., None]
            return draw_levels(loc, scale, u, self.num_levels)

        return self._weighted(self._through_components(draw), component)

    def _one_hot(self, index: Tensor) -> Tensor:
        return ops.one_hot(index, int(self.logits.shape[-1]), dtype="float32")

    def _weighted(self, values: Tensor, weights: Tensor) -> Tensor:
        if self.has_channels:
            weights = weights[..., None, :]
        return ops.sum(weights * values, axis=-1)
