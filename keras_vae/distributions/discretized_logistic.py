"""The discretised logistic distribution with independent elements."""

from typing import Any

from keras import ops

from keras_vae.distributions.draws import uniforms
from keras_vae.distributions.elementwise import Elementwise
from keras_vae.distributions.special import (
    expm1,
    log1p,
    log_sigmoid_difference,
)
from keras_vae.types import Tensor
from keras_vae.validation import positive_int

# Levels on each side of the centre that a narrow distribution may reach.
_WINDOW = 5


class DiscretizedLogistic(Elementwise):
    """Logistic distribution over the levels of 8-bit images.

    Level v of `num_levels`, x = v / (num_levels - 1) in [0, 1], stands for
    the interval of half a level on each side; the two end levels take the
    tails. `loc` and `scale` live in [-1, 1], where x is 2 x - 1.
    Source: Kingma et al., 2016, section 5.2,
    https://arxiv.org/abs/1606.04934; Salimans et al., 2017, section 2.1,
    https://arxiv.org/abs/1701.05517.

    Args:
        loc: Tensor of shape `batch_shape + event_shape`, the centre before
            it is discretised, on the scale of [-1, 1].
        scale: Positive tensor that broadcasts to the shape of `loc`.
        event_ndim: Integer, trailing dimensions that form one event.
            Defaults to `1`.
        num_levels: Integer, at least 2. Defaults to `256`.

    Output shape:
        `log_prob(x)`: `batch_shape`, in nats, summed over the event; x is
        taken to its nearest level. `mean()` and `mode()` lie in [0, 1].

    Raises:
        ValueError: if `event_ndim` exceeds the rank of `loc`, or
            `num_levels` is below 2.

    Example:
    >>> p = keras_vae.distributions.DiscretizedLogistic(
    ...     keras.ops.zeros((2, 3)), 0.1
    ... )
    >>> p.log_prob(keras.ops.ones((2, 3))).shape
    (2,)
    """

    reference_measure = "counting"
    loc: Tensor
    scale: Tensor

    def __init__(
        self,
        loc: Tensor,
        scale: Tensor,
        event_ndim: int = 1,
        num_levels: int = 256,
    ) -> None:
        self._set_parameters(event_ndim, loc=loc, scale=scale)
        self.num_levels = check_num_levels(num_levels)

    def _log_prob(self, x: Tensor) -> Tensor:
        level = to_level(x, self.num_levels)
        centred = centre(level, self.loc, self.num_levels)
        return log_mass(level, centred, self.scale, self.num_levels)

    def mean(self) -> Tensor:
        return mean_of_levels(self.loc, self.scale, self.num_levels)

    def mode(self) -> Tensor:
        return mode_of_levels(self.loc, self.scale, self.num_levels)

    def sample(
        self, num_samples: int | None = None, seed: Any = None
    ) -> Tensor:
        u = uniforms(self._sample_shape(num_samples), seed)
        return draw_levels(self.loc, self.scale, u, self.num_levels)


def check_num_levels(num_levels: int) -> int:
    """Returns `num_levels` if it is an integer of at least 2.

    Raises:
        TypeError: if it is no integer.
        ValueError: if it is below 2.
    """
    fix = "Pass e.g. `num_levels=256`, for 8-bit images."
    num_levels = positive_int("num_levels", num_levels, fix)
    if num_levels < 2:
        raise ValueError(
            "`num_levels` must be at least 2. Received: "
            f"num_levels={num_levels}. {fix}"
        )
    return num_levels


def to_level(x: Tensor, num_levels: int) -> Tensor:
    """The number of the level nearest to x in [0, 1], as a float."""
    return ops.round(x * (num_levels - 1))


def centre(level: Tensor, loc: Tensor, num_levels: int) -> Tensor:
    """A level's distance from `loc`, in halves of a level.

    For `num_levels` a power of two each step is exact, where the distance
    is small, up to the last: the difference of 2 x - 1 and `loc` would be
    rounded to an eighth of a thousandth of a level.
    """
    doubled = 2.0 * level - (num_levels - 1)
    return (doubled - num_levels * loc) + loc


def log_mass(
    level: Tensor, centred: Tensor, scale: Tensor, num_levels: int
) -> Tensor:
    """Log-mass of levels in nats.

    Args:
        level: Whole numbers from 0 to `num_levels - 1`, as floats.
        centred: Tensor, what `centre` gives.
        scale: Positive tensor, on the scale of [-1, 1].
        num_levels: Integer.
    """
    inverse = 1.0 / ((num_levels - 1) * scale)
    low = (centred - 1.0) * inverse
    gap = 2.0 * inverse + ops.zeros_like(low)
    inside = log_sigmoid_difference(low, gap)
    lowest = -ops.softplus(-(centred + 1.0) * inverse)
    highest = -ops.softplus(low)
    ends = ops.where(level < 0.5, lowest, highest)
    is_end = ops.logical_or(level < 0.5, level > num_levels - 1.5)
    return ops.where(is_end, ends, inside)


def draw_levels(
    loc: Tensor, scale: Tensor, u: Tensor, num_levels: int
) -> Tensor:
    """Maps uniforms to levels in [0, 1]: round and clip a logistic draw."""
    top = num_levels - 1
    draw = loc + scale * (ops.log(u) - log1p(-u))
    level = ops.round(0.5 * top * (ops.clip(draw, -2.0, 2.0) + 1.0))
    return ops.clip(level, 0.0, top) / top


def mode_of_levels(loc: Tensor, scale: Tensor, num_levels: int) -> Tensor:
    """The likeliest level in [0, 1]: the nearest one to `loc`, or an end."""
    top = float(num_levels - 1)
    nearest = ops.round(0.5 * top * (ops.clip(loc, -1.0, 1.0) + 1.0))
    best = ops.clip(nearest, 0.0, top)
    best_mass = log_mass(best, centre(best, loc, num_levels), scale, num_levels)
    for end in (0.0, top):
        level = ops.full_like(best, end)
        centred = centre(level, loc, num_levels)
        mass = log_mass(level, centred, scale, num_levels)
        better = mass > best_mass
        best = ops.where(better, level, best)
        best_mass = ops.where(better, mass, best_mass)
    return best / top


def mean_of_levels(loc: Tensor, scale: Tensor, num_levels: int) -> Tensor:
    """The mean in [0, 1], to 2e-6, without a sum over all levels.

    It is the sum over the borders between levels of the mass above each. A
    wide distribution's is an integral with Euler and Maclaurin's terms for
    its ends; a narrow one's a sum over the borders near its centre.
    """
    top = float(num_levels - 1)
    middle = ops.clip(0.5 * top * (loc + 1.0), -1e6, 1e6)
    width = 0.5 * top * scale + ops.zeros_like(middle)
    wide = width > 0.5
    above = _wide_sum(middle, ops.where(wide, width, 1.0), top)
    near = _narrow_sum(middle, ops.where(wide, 0.25, width), top)
    return ops.clip(ops.where(wide, above, near) / top, 0.0, 1.0)


def _wide_sum(middle: Tensor, width: Tensor, top: float) -> Tensor:
    start, end = middle / width, (middle - top) / width
    gap = top / width
    # softplus(start) - softplus(end), where the gap is large and small
    close = gap < 1.0
    ratio = ops.sigmoid(start) * expm1(-ops.where(close, gap, 1.0))
    apart = ops.softplus(start) - ops.softplus(end)
    integral = width * ops.where(close, -log1p(ratio), apart)
    return integral + _end_terms(end, width) - _end_terms(start, width)


def _end_terms(y: Tensor, width: Tensor) -> Tensor:
    """The midpoint rule's corrections by odd derivatives of the sigmoid."""
    r = 1.0 / width
    s = ops.square(r)
    q = ops.sigmoid(y) * ops.sigmoid(-y)
    third = 1.0 - 6.0 * q
    fifth = 1.0 + q * (120.0 * q - 30.0)
    return r * q * (1 / 24 - s * (third * 7 / 5760 - s * fifth * 31 / 967680))


def _narrow_sum(middle: Tensor, width: Tensor, top: float) -> Tensor:
    start = ops.floor(ops.clip(middle, 0.0, top))
    total = ops.maximum(start - _WINDOW, 0.0)
    for n in range(1 - _WINDOW, _WINDOW + 2):
        border = start + n
        above = ops.sigmoid((middle - border + 0.5) / width)
        exists = ops.logical_and(border > 0.5, border < top + 0.5)
        total = total + ops.where(exists, above, 0.0)
    return total
