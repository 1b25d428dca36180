"""Keras's convolution, with the gradients that are fast on a machine."""

import keras
from keras import ops

from keras_vae.layers.by_phases import ByPhases
from keras_vae.layers.subpixel import Axes, convolution
from keras_vae.types import Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_vae")
class Conv2D(ByPhases, keras.layers.Conv2D):
    """`keras.layers.Conv2D`, trained fast on every backend.

    It has the same arguments, weights, config, outputs and name, as
    `keras_vae.layers.Conv2DTranspose` has those of Keras's layer. What differs
    is its gradients in training: that of the inputs is a transposed
    convolution, by sub-pixel phases where they were measured to be faster.
    Channels that come first, groups, a dilated kernel and images of unknown
    size are left to Keras.

    Args:
        *args: As `keras.layers.Conv2D` takes them.
        method: String, as `keras_vae.layers.Conv2DTranspose` takes it.
            Defaults to `"auto"`.
        **kwargs: As `keras.layers.Conv2D` takes them.

    Call arguments:
        inputs: Tensor `(batch, height, width, channels)`.
        training: Boolean or `None`, whether the gradients may be its own, to
            which no forward-mode derivative belongs. Defaults to `None`.

    Output shape:
        `(batch, new_height, new_width, filters)`.

    Raises:
        ValueError: if `method` is none of the three.

    Example:
    >>> layer = keras_vae.layers.Conv2D(4, 3, strides=2, padding="same")
    >>> layer(keras.ops.ones((1, 7, 7, 2))).shape
    (1, 4, 4, 4)
    """

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        if self.data_format == "channels_first":
            return super().call(inputs)
        if not training or self.method_for(inputs.shape) == "direct":
            return self._finished(self.convolution_op(inputs, self.kernel))
        # TensorFlow takes no variable where gradients are written by hand.
        kernel = ops.copy(self.kernel)
        return self._finished(
            convolution(inputs, kernel, self.axes(inputs.shape))
        )

    def axes(self, input_shape: Shape) -> Axes:
        return self._axes(self.compute_output_shape(input_shape), input_shape)
