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
    """

    num_parameters: int = 1
    support: str = "finite real numbers"
    remedy: str = "Remove or replace the value before training."

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.head = ParameterHead(self._head_size(), name="head")

    def _head_size(self) -> int:
        return self.num_parameters

    def build(self, features_shape: Shape, event_shape: Shape) -> None:
        """Creates the weights.

        Args:
            features_shape: Shape of the decoder's features, `(batch, ...)`.
            event_shape: Shape of one x.
        """
        self.event_shape = tuple(event_shape)
        self.head.build(features_shape, event_shape=self.event_shape)

    def call(self, features: Tensor) -> dict[str, Tensor]:
        """Returns the parameters by name, each `(batch, *event_shape)`."""
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
        if not wrong.any():
            return
        example, *place = (int(i) for i in np.argwhere(wrong)[0])
        value = x[(example, *place)]
        remedy = self.remedy
        if np.isnan(value):
            remedy = "Remove or replace missing values before training."
        where = ", ".join(map(str, (first + example, *place)))
        raise ValueError(
            f"`x` must hold {self.support} for `{type(self).__name__}`. "
            f"Received: x[{where}]={value:g}. {remedy}"
        )
