"""Keras's transposed convolution, in the form that is fast on a machine."""

import keras
from keras import ops

from keras_vae.layers.by_phases import ByPhases
from keras_vae.layers.subpixel import Axes, transposed_convolution
from keras_vae.types import Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_vae")
class Conv2DTranspose(ByPhases, keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose`, fast on every backend.

    It has the same arguments, weights, config and outputs, and it bears the
    same name: the path of its weights in a `.weights.h5` file is made of it,
    so that each class loads the other's. What differs is how it computes: by
    sub-pixel phases where they were measured to be faster, else as Keras
    does. Channels that come first, a dilated kernel and images of unknown
    size are left to Keras.

    Args:
        *args: As `keras.layers.Conv2DTranspose` takes them.
        method: String, `"auto"` for the faster one, `"direct"` for Keras's
            or `"subpixel"` for the phases. It is not part of the config: a
            model that is loaded on another machine chooses anew. Defaults to
            `"auto"`.
        **kwargs: As `keras.layers.Conv2DTranspose` takes them.

    Call arguments:
        inputs: Tensor `(batch, height, width, channels)`.
        training: Boolean or `None`. In training the phases have gradients of
            their own, to which no forward-mode derivative belongs. Defaults
            to `None`.

    Output shape:
        `(batch, new_height, new_width, filters)`.

    Raises:
        ValueError: if `method` is none of the three.

    Example:
    >>> layer = keras_vae.layers.Conv2DTranspose(4, 3, strides=2)
    >>> layer(keras.ops.ones((1, 7, 7, 2))).shape
    (1, 15, 15, 4)
    """

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        if self.data_format == "channels_first":
            return super().call(inputs)
        if self.method_for(inputs.shape) == "direct":
            outputs = ops.conv_transpose(
                inputs,
                self.kernel,
                strides=list(self.strides),
                padding=self.padding,
                output_padding=self.output_padding,
                data_format=self.data_format,
                dilation_rate=self.dilation_rate,
            )
            return self._finished(outputs)
        outputs = transposed_convolution(
            inputs,
            # TensorFlow takes no variable where gradients are written by hand.
            ops.copy(self.kernel),
            self.axes(inputs.shape),
            by_hand=bool(training),
        )
        return self._finished(outputs)

    def axes(self, input_shape: Shape) -> Axes:
        return self._axes(input_shape, self.compute_output_shape(input_shape))
