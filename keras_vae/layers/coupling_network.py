"""The network of an affine coupling."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_vae.distributions.bounds import bounded
from keras_vae.layers.autoregressive_network import check_hidden_dims
from keras_vae.types import Shape, Tensor

# One coupling stretches by at most exp(2).
_LIMIT = 2.0


@keras.saving.register_keras_serializable(package="keras_vae")
class CouplingNetwork(keras.layers.Layer):
    """(shift, log_scale) of an affine coupling; zeros at the start.

    The log-scale is bounded smoothly between -2 and 2. It computes in
    float32 under any precision policy.
    Source: Dinh et al., 2017, sections 3.2 and 4.1,
    https://arxiv.org/abs/1605.08803.

    Args:
        hidden_dims: Sequence of positive integers, units of the hidden
            layers. Defaults to `(64,)`.

    Input shape:
        `(..., dim)`.

    Output shape:
        A pair `(shift, log_scale)` of tensors of the input's shape.

    Raises:
        TypeError: if a number is no integer.
        ValueError: if a number is below 1.

    Example:
    >>> shift, log_scale = keras_vae.layers.CouplingNetwork()(z)
    """

    def __init__(
        self, hidden_dims: Sequence[int] = (64,), **kwargs: Any
    ) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.hidden_dims = check_hidden_dims(hidden_dims)

    def build(self, input_shape: Shape) -> None:
        """Creates the weights for inputs `(..., dim)`."""
        dim = int(input_shape[-1])
        sizes = [dim, *self.hidden_dims]
        self.hidden = [
            self._dense(units, f"hidden_{number}", activation="tanh")
            for number, units in enumerate(self.hidden_dims)
        ]
        for layer, size in zip(self.hidden, sizes[:-1], strict=True):
            layer.build((None, size))
        self.last = self._dense(2 * dim, "last", kernel_initializer="zeros")
        self.last.build((None, sizes[-1]))

    def _dense(self, units: int, name: str, **options: Any) -> Any:
        return keras.layers.Dense(
            units, dtype=self.dtype_policy, name=name, **options
        )

    def call(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        # Dense takes a batch axis, which one vector has not.
        h = inputs if len(inputs.shape) > 1 else ops.expand_dims(inputs, 0)
        for layer in self.hidden:
            h = layer(h)
        h = ops.reshape(self.last(h), (*ops.shape(inputs)[:-1], -1))
        shift, raw = ops.split(h, 2, axis=-1)
        return shift, bounded(raw, _LIMIT)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "hidden_dims": list(self.hidden_dims),
        }
