"""What every likelihood (observation model) answers."""

from typing import Any

import keras
import numpy as np

from keras_vae.distributions import Distribution
from keras_vae.layers import ParameterHead
from keras_vae.registry import Registry
from keras_vae.types import Shape, Tensor

registry = Registry("likelihood")


class Likelihood(keras.layers.Layer):
    """An observation model p(x|z): features to a distribution of x.

    A likelihood owns its parameter head, makes its parameters in `call`,
    its distribution in `distribution`, and names the values of x it admits
    in `outside_support`. It computes in float32 under any precision policy.

    Attributes:
        num_parameters: Integer, tensors of x's shape that the head gives.
        support: String, the values of x that are admitted, in words.
        remedy: String, a sentence on what to do with others.
        filler: Float, a value in the support.
        allows_missing: Boolean, whether NaN in x means a missing value,
            which `log_prob` leaves out. The encoder is then given 0 there.
    """

    num_parameters: int = 1
    support: str = "finite real numbers"
    remedy: str = "Remove or replace the value before training."
    filler: float = 0.0
    allows_missing: bool = False

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.head: Any = self._make_head()

    def _make_head(self) -> ParameterHead | None:
        return ParameterHead(self._head_size(), name="head")

    def _head_size(self) -> int:
        return self.num_parameters

    def _head_shape(self) -> Shape:
        """Shape of one of the head's tensors, without the batch axis."""
        return self.event_shape

    def build(self, features_shape: Shape, event_shape: Shape) -> None:
        """Creates the weights.

        Args:
            features_shape: Shape of the decoder's features, `(batch, ...)`.
            event_shape: Shape of one x.
        """
        self.event_shape = tuple(event_shape)
        if self.head is not None:
            self.head.build(features_shape, event_shape=self._head_shape())

    def call(self, features: Tensor) -> dict[str, Tensor]:
        """Returns the parameters by name.

        Each has the shape `(batch, *event_shape)`, with or without axes
        behind it, or one without the batch axis that broadcasts to it.
        """
        raise NotImplementedError

    def distribution(self, parameters: dict[str, Tensor]) -> Distribution:
        """Returns p(x|z), with event shape `event_shape`."""
        raise NotImplementedError

    @property
    def event_ndim(self) -> int:
        """Number of axes of one x."""
        return len(self.event_shape)

    def outside_support(self, x: np.ndarray) -> np.ndarray:
        """Marks the values of `x` outside the support (NaN apart)."""
        return np.isinf(x)

    def check_support(self, x: np.ndarray, first: int = 0) -> None:
        """Raises if a value of `x` cannot have come from this likelihood.

        Args:
            x: Array `(batch, *event_shape)`.
            first: Integer, where `x` begins in the caller's array.

        Raises:
            ValueError: naming the first such value, its place, and the
                remedy.
        """
        wrong = np.isnan(x) | self.outside_support(x)
        if wrong.any():
            name = f"`{type(self).__name__}`"
            raise ValueError(support_message(self, name, x, wrong, first))


def support_message(
    likelihood: Likelihood,
    name: str,
    x: np.ndarray,
    wrong: np.ndarray,
    first: int = 0,
) -> str:
    """Says which value of x is outside a likelihood's support, and where.

    Args:
        likelihood: `Likelihood`.
        name: What to call it in the message.
        x: Array `(batch, ...)`.
        wrong: Boolean array of the same shape, `True` somewhere.
        first: Integer, where `x` begins in the caller's array.
    """
    example, *place = (int(i) for i in np.argwhere(wrong)[0])
    value = x[(example, *place)]
    remedy = likelihood.remedy
    if np.isnan(value):
        remedy = "Remove or replace missing values before training."
    where = ", ".join(map(str, (first + example, *place)))
    return (
        f"`x` must hold {likelihood.support} for {name}. "
        f"Received: x[{where}]={value:g}. {remedy}"
    )
