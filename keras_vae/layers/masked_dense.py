"""A dense layer with some of its connections cut."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vae.types import Shape, Tensor
from keras_vae.validation import require


@keras.saving.register_keras_serializable(package="keras_vae")
class MaskedDense(keras.layers.Layer):
    """A Dense whose kernel is multiplied by a fixed mask.

    Source: Germain et al., 2015, equation 8,
    https://arxiv.org/abs/1502.03509.

    Args:
        mask: Array `(inputs, units)` of 0 and 1.

    Call arguments:
        inputs: Tensor `(..., inputs)`.
        stopped: Boolean, whether to cut the gradient of the weights.
            Defaults to `False`.

    Output shape:
        `(..., units)`.

    Raises:
        ValueError: if `mask` is no matrix, or the inputs do not fit it.

    Example:
    >>> layer = keras_vae.layers.MaskedDense([[1, 0], [1, 1]])
    >>> layer(keras.ops.ones((5, 2))).shape
    (5, 2)
    """

    def __init__(self, mask: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        matrix = np.array(mask, dtype="float32")
        require(
            matrix.ndim == 2,
            "`mask` must be a matrix (inputs, units). Received: mask of "
            f"shape {matrix.shape}. Pass e.g. `MaskedDense([[1, 0], [1, 1]])`.",
        )
        self.mask = matrix

    def build(self, input_shape: Shape) -> None:
        """Creates the weights for inputs `(..., inputs)`."""
        require(
            input_shape[-1] == self.mask.shape[0],
            f"`inputs` must have {self.mask.shape[0]} elements, the rows of "
            f"the mask. Received: inputs.shape={tuple(input_shape)}. Pass a "
            "mask with one row an input.",
        )
        self.kernel = self.add_weight(
            name="kernel", shape=self.mask.shape, initializer="glorot_uniform"
        )
        self.bias = self.add_weight(
            name="bias", shape=self.mask.shape[1:], initializer="zeros"
        )

    def call(self, inputs: Tensor, stopped: bool = False) -> Tensor:
        kernel = self.kernel * ops.cast(self.mask, self.kernel.dtype)
        bias = ops.convert_to_tensor(self.bias)
        if stopped:
            kernel, bias = ops.stop_gradient(kernel), ops.stop_gradient(bias)
        return ops.matmul(inputs, kernel) + bias

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.mask.shape[1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask": self.mask.tolist()}
