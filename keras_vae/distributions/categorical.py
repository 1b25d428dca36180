"""The categorical distribution with independent elements."""

from typing import Any

import keras
from keras import ops

from keras_vae.distributions.distribution import (
    Distribution,
    check_event_ndim,
    sum_event,
)
from keras_vae.distributions.special import as_float32
from keras_vae.types import Shape, Tensor
from keras_vae.validation import one_of, require

VALUES = ("index", "unit", "one_hot")


class Categorical(Distribution):
    """Categorical distribution over numbered categories.

    Args:
        logits: Tensor of shape `batch_shape + event_shape + (num_categories,)`
            (`batch_shape + event_shape` for one-hot values), unnormalised
            log-probabilities.
        event_ndim: Integer, trailing dimensions of x that form one event.
            Defaults to `1`.
        values: How x names category k of K: `"index"` as k, `"unit"` as
            k / (K - 1), a level of [0, 1], or `"one_hot"` by a last axis of
            zeros and a one. Defaults to `"index"`.

    Output shape:
        `log_prob(x)` and `entropy()`: `batch_shape`, in nats, summed over
        the event. `mean()` is the mean of the values: for one-hot ones the
        probabilities. `mode()` is the likeliest value.

    Raises:
        ValueError: if `values` is none of the three, or `event_ndim` does
            not suit the rank of `logits`.

    Example:
    >>> p = keras_vae.distributions.Categorical(keras.ops.zeros((2, 3, 256)))
    >>> p.log_prob(keras.ops.ones((2, 3))).shape
    (2,)
    """

    reference_measure = "counting"

    def __init__(
        self, logits: Tensor, event_ndim: int = 1, values: str = "index"
    ) -> None:
        self.values = one_of(
            "values", values, VALUES, 'Pass e.g. `values="index"`.'
        )
        self.logits = as_float32(logits)
        elements = self.logits if values == "one_hot" else self.logits[..., 0]
        self.event_ndim = check_event_ndim("logits", elements, event_ndim)
        require(
            event_ndim > 0 or values != "one_hot",
            "`event_ndim` must be at least 1 for one-hot values, whose last "
            "axis is one category. Received: event_ndim=0. Pass e.g. "
            "`event_ndim=1`.",
        )

    @property
    def _logit_ndim(self) -> int:
        """Axes of the logits that belong to an event."""
        return self.event_ndim + int(self.values != "one_hot")

    @property
    def num_categories(self) -> int:
        """Number of categories."""
        return int(self.logits.shape[-1])

    @property
    def batch_shape(self) -> Shape:
        shape = ops.shape(self.logits)
        return tuple(shape[: len(shape) - self._logit_ndim])

    @property
    def event_shape(self) -> Shape:
        shape = ops.shape(self.logits)
        return tuple(shape[len(shape) - self._logit_ndim :][: self.event_ndim])

    def log_prob(self, x: Tensor) -> Tensor:
        x = as_float32(x)
        shifted = self._shifted()
        log_total = ops.log(ops.sum(ops.exp(shifted), axis=-1))
        if self.values == "one_hot":
            terms = ops.sum(x * (shifted - log_total[..., None]), axis=-1)
        else:
            chosen = ops.equal(self._order(), self._index(x)[..., None])
            terms = ops.sum(ops.where(chosen, shifted, 0.0), axis=-1)
            terms = terms - log_total
        return sum_event(terms, self._logit_ndim - 1)

    def mean(self) -> Tensor:
        probabilities = ops.softmax(self.logits, axis=-1)
        if self.values == "one_hot":
            return probabilities
        points = self._order()
        if self.values == "unit":
            points = points / self._top
        return ops.sum(probabilities * points, axis=-1)

    def mode(self) -> Tensor:
        return self._value(ops.argmax(self.logits, axis=-1))

    def entropy(self) -> Tensor:
        shifted = self._shifted()
        weights = ops.exp(shifted)
        total = ops.sum(weights, axis=-1)
        # log total - sum_k p_k shifted_k
        mean = ops.sum(weights * shifted, axis=-1) / total
        return sum_event(ops.log(total) - mean, self._logit_ndim - 1)

    def sample(
        self, num_samples: int | None = None, seed: Any = None
    ) -> Tensor:
        flat = ops.reshape(self.logits, (-1, self.num_categories))
        count = 1 if num_samples is None else num_samples
        index = keras.random.categorical(flat, count, dtype="int32", seed=seed)
        lead = () if num_samples is None else (num_samples,)
        shape = (*lead, *ops.shape(self.logits)[:-1])
        return self._value(ops.reshape(ops.transpose(index), shape))

    def stopped(self) -> "Categorical":
        return Categorical(
            ops.stop_gradient(self.logits), self.event_ndim, self.values
        )

    def _shifted(self) -> Tensor:
        """Logits less their largest, which is rounded no more."""
        return self.logits - ops.max(self.logits, axis=-1, keepdims=True)

    def _order(self) -> Tensor:
        """The numbers of the categories, as floats."""
        return ops.arange(self.num_categories, dtype="float32")

    def _index(self, x: Tensor) -> Tensor:
        return ops.round(x * self._top if self.values == "unit" else x)

    def _value(self, index: Tensor) -> Tensor:
        if self.values == "one_hot":
            return ops.one_hot(index, self.num_categories, dtype="float32")
        index = ops.cast(index, "float32")
        return index / self._top if self.values == "unit" else index

    @property
    def _top(self) -> int:
        return max(1, self.num_categories - 1)
