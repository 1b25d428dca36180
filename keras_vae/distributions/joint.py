"""Distributions of blocks of columns, side by side."""

import copy
from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_vae.distributions.distribution import Distribution
from keras_vae.distributions.draws import split_seed
from keras_vae.distributions.special import as_float32
from keras_vae.types import Shape, Tensor


class Joint(Distribution):
    """Independent distributions of blocks of a vector's columns.

    NaN in x means a missing value: it adds 0 to `log_prob`, so that what
    remains is the log-density of the values that are there. One NaN in a
    block of one-hot columns makes its category missing.
    Source: Nazabal et al., 2020, equation 3,
    https://arxiv.org/abs/1807.03653.

    Args:
        distributions: Distributions, each with `event_ndim=1`: the blocks
            from left to right.
        fillers: For each block a number in its support, which takes the
            place of missing values where nothing may be NaN.

    Output shape:
        `log_prob(x)` and `entropy()`: `batch_shape`, in nats, summed over
        the columns.

    Example:
    >>> p = keras_vae.distributions.Joint(
    ...     [
    ...         keras_vae.distributions.Normal(keras.ops.zeros((2, 3)), 1.0),
    ...         keras_vae.distributions.Poisson(keras.ops.ones((2, 1))),
    ...     ],
    ...     fillers=[0.0, 0.0],
    ... )
    >>> p.log_prob(keras.ops.ones((2, 4))).shape
    (2,)
    """

    event_ndim = 1

    def __init__(
        self, distributions: Sequence[Distribution], fillers: Sequence[float]
    ) -> None:
        self.distributions = tuple(distributions)
        self.fillers = tuple(fillers)

    @property
    def batch_shape(self) -> Shape:
        return self.distributions[0].batch_shape

    @property
    def event_shape(self) -> Shape:
        return (sum(self._sizes()),)

    def _sizes(self) -> list[int]:
        return [int(one.event_shape[0]) for one in self.distributions]

    def log_prob(self, x: Tensor) -> Tensor:
        x = as_float32(x)
        total, start = 0.0, 0
        for one, size, filler in zip(
            self.distributions, self._sizes(), self.fillers, strict=True
        ):
            block = x[..., start : start + size]
            total = total + _log_prob_of_present(one, block, filler)
            start += size
        return total

    def mean(self) -> Tensor:
        return self._side_by_side([one.mean() for one in self.distributions])

    def mode(self) -> Tensor:
        return self._side_by_side([one.mode() for one in self.distributions])

    def entropy(self) -> Tensor:
        return sum(one.entropy() for one in self.distributions)

    def sample(
        self, num_samples: int | None = None, seed: Any = None
    ) -> Tensor:
        seeds = split_seed(seed, len(self.distributions))
        return self._side_by_side(
            [
                one.sample(num_samples, one_seed)
                for one, one_seed in zip(self.distributions, seeds, strict=True)
            ]
        )

    def _side_by_side(self, blocks: list[Tensor]) -> Tensor:
        return ops.concatenate(blocks, axis=-1)


def _log_prob_of_present(
    distribution: Distribution, x: Tensor, filler: float
) -> Tensor:
    missing = ops.isnan(x)
    filled = ops.where(missing, filler, x)
    if getattr(distribution, "values", None) == "one_hot":
        present = ops.logical_not(ops.any(missing, axis=-1))
        log_prob = distribution.log_prob(filled)
        return ops.where(present, log_prob, 0.0)
    columns: Any = copy.copy(distribution)
    columns.event_ndim = 0  # each column an event of its own
    log_prob = ops.where(missing, 0.0, columns.log_prob(filled))
    return ops.sum(log_prob, axis=-1)
