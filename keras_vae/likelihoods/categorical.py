"""The categorical likelihood."""

from typing import Any

import numpy as np
from keras import ops

from keras_vae.distributions import Categorical as CategoricalDistribution
from keras_vae.likelihoods.grid import off_grid
from keras_vae.likelihoods.likelihood import Likelihood, registry
from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int, require


@registry.register("categorical")
class Categorical(Likelihood):
    """Categorical likelihood: 256-way pixels, numbers, or one-hot columns.

    Source: van den Oord et al., 2016, section 3.1 (pixels as 256-way
    softmax), https://arxiv.org/abs/1601.06759.

    Args:
        num_categories: Integer, at least 2. Defaults to `256`.
        one_hot: Boolean. `True` takes x whose last axis holds a category as
            zeros and a one, and has `num_categories` entries. Defaults to
            `False`.
        unit_interval: Boolean. `True` takes category k as the level
            `k / (num_categories - 1)` of [0, 1], as images are loaded;
            `False` as the number k. It does not matter with `one_hot`.
            Defaults to `True`.

    Input shape:
        `(batch, ...)`, the decoder's features.

    Output shape:
        `{"logits": (batch, *event_shape, num_categories)}`, with one-hot x
        `(batch, *event_shape)`. The distribution's mean is that of x: in
        [0, 1], a number, or probabilities.

    Raises:
        TypeError: if `num_categories` is no integer.
        ValueError: if `num_categories` is below 2, or is not the size of
            the last axis of one-hot x.

    Example:
    >>> likelihood = keras_vae.likelihoods.Categorical()
    >>> likelihood.build((None, 16), event_shape=(28, 28, 1))
    >>> likelihood(keras.ops.zeros((5, 16)))["logits"].shape
    (5, 28, 28, 1, 256)
    """

    def __init__(
        self,
        num_categories: int = 256,
        one_hot: bool = False,
        unit_interval: bool = True,
        **kwargs: Any,
    ) -> None:
        fix = "Pass e.g. `Categorical(num_categories=256)`."
        self.num_categories = positive_int(
            "num_categories", num_categories, fix
        )
        require(
            self.num_categories > 1,
            "`num_categories` must be at least 2. Received: "
            f"num_categories={num_categories}. {fix}",
        )
        self.one_hot = bool(one_hot)
        self.unit_interval = bool(unit_interval)
        super().__init__(**kwargs)

    @property
    def values(self) -> str:
        """How x names a category: `"one_hot"`, `"unit"` or `"index"`."""
        if self.one_hot:
            return "one_hot"
        return "unit" if self.unit_interval else "index"

    @property
    def support(self) -> str:  # type: ignore[override]
        """The values of x that are admitted, in words."""
        top = self.num_categories - 1
        return {
            "one_hot": "zeros and a single one along the last axis",
            "unit": f"the {top + 1} levels k / {top} of [0, 1]",
            "index": f"whole numbers from 0 to {top}",
        }[self.values]

    @property
    def remedy(self) -> str:  # type: ignore[override]
        """What to do with other values."""
        count = self.num_categories
        return {
            "one_hot": f"Encode categories with `numpy.eye({count})[k]`.",
            "unit": (
                "Load 8-bit images with `datasets.load(..., binarize=None)`, "
                f"round with `numpy.round(x * {count - 1}) / {count - 1}`, or "
                "pass `Categorical(unit_interval=False)` for whole numbers."
            ),
            "index": (
                "Number the categories from 0, and pass "
                f"`num_categories={count}` or more, or pass "
                "`unit_interval=True` for levels of [0, 1]."
            ),
        }[self.values]

    def build(self, features_shape: Shape, event_shape: Shape) -> None:
        require(
            not self.one_hot or event_shape[-1] == self.num_categories,
            "`num_categories` must be the size of x's last axis for one-hot "
            f"x. Received: num_categories={self.num_categories} for x of "
            f"shape (batch, {', '.join(map(str, event_shape))}). Pass "
            f"`Categorical({event_shape[-1]}, one_hot=True)`.",
        )
        super().build(features_shape, event_shape)

    def _head_shape(self) -> Shape:
        if self.one_hot:
            return self.event_shape
        *spatial, last = self.event_shape
        return (*spatial, last * self.num_categories)

    def call(self, features: Tensor) -> dict[str, Tensor]:
        logits = self.head(features)[0]
        if not self.one_hot:
            shape = (-1, *self.event_shape, self.num_categories)
            logits = ops.reshape(logits, shape)
        return {"logits": logits}

    def distribution(
        self, parameters: dict[str, Tensor]
    ) -> CategoricalDistribution:
        return CategoricalDistribution(
            parameters["logits"], self.event_ndim, self.values
        )

    def outside_support(self, x: np.ndarray) -> np.ndarray:
        if self.one_hot:
            wrong = (x != 0) & (x != 1)
            count = np.sum(x, axis=-1, keepdims=True)
            # NaN is told of by itself.
            return wrong | ((count != 1) & ~np.isnan(count))
        return off_grid(x, self.num_categories, self.unit_interval)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_categories": self.num_categories,
            "one_hot": self.one_hot,
            "unit_interval": self.unit_interval,
        }
