"""The layer that turns a network's features into parameters."""

import math
from typing import Any

import keras
from keras import ops

from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int


@keras.saving.register_keras_serializable(package="keras_vae")
class ParameterHead(keras.layers.Layer):
    """Maps features to tensors of parameters, each of one event's shape.

    Features with the event's spatial shape get a Dense on the last axis
    (a 1x1 convolution); all others are flattened and get a Dense and a
    Reshape. It computes in float32 under any mixed-precision policy.

    Args:
        num_parameters: Integer, how many tensors come out. Defaults to `1`.
        bias_initializer: Initializer of the biases, as in Keras. Defaults to
            `"zeros"`.

    Input shape:
        `(batch, ...)`.

    Output shape:
        A tuple of `num_parameters` tensors `(batch, *event_shape)`.

    Raises:
        ValueError: if `num_parameters` is below 1.
    """

    def __init__(
        self,
        num_parameters: int = 1,
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.num_parameters = positive_int(
            "num_parameters", num_parameters, "Pass `num_parameters=1`."
        )
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def build(self, features_shape: Shape, event_shape: Shape) -> None:
        """Creates the weights.

        Args:
            features_shape: Shape of the features with the batch axis.
            event_shape: Shape of one tensor of parameters, without it.
        """
        self.event_shape = tuple(event_shape)
        features = tuple(features_shape[1:])
        self.pointwise = (
            len(features) == len(self.event_shape)
            and features[:-1] == self.event_shape[:-1]
        )
        units = self.event_shape[-1:] if self.pointwise else self.event_shape
        self.dense = keras.layers.Dense(
            math.prod(units) * self.num_parameters,
            bias_initializer=self.bias_initializer,
            dtype=self.dtype_policy,
            name="dense",
        )
        self.dense.build(
            (None, features[-1] if self.pointwise else math.prod(features))
        )

    def call(self, features: Tensor) -> tuple[Tensor, ...]:
        # One matrix product with fixed sizes, pointwise or not: a Dense on
        # more axes exports to ONNX as a tangle of shape arithmetic.
        features = ops.reshape(features, (-1, self.dense.kernel.shape[0]))
        channels = self.event_shape[-1] * self.num_parameters
        outputs = ops.reshape(
            self.dense(features), (-1, *self.event_shape[:-1], channels)
        )
        if self.num_parameters == 1:
            return (outputs,)
        return tuple(ops.split(outputs, self.num_parameters, axis=-1))

    def get_config(self) -> dict[str, Any]:
        bias = keras.initializers.serialize(self.bias_initializer)
        return {
            **super().get_config(),
            "num_parameters": self.num_parameters,
            "bias_initializer": bias,
        }
