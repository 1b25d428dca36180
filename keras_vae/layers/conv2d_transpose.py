"""Keras's transposed convolution, in the form that is fast on a machine."""

from typing import Any

import keras
from keras import ops

from keras_vae.layers.subpixel import Axes, Axis, transposed_convolution
from keras_vae.types import Shape, Tensor
from keras_vae.validation import require

_METHODS = ("auto", "direct", "subpixel")


@keras.saving.register_keras_serializable(package="keras_vae")
class Conv2DTranspose(keras.layers.Conv2DTranspose):
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

    def __init__(self, *args: Any, method: str = "auto", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        require(
            method in _METHODS,
            f"`method` must be one of {_METHODS}. Received: "
            f'method={method!r}. Pass e.g. `method="auto"`.',
        )
        self.method = method

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        if self._method_for(inputs.shape) == "direct":
            return super().call(inputs)
        outputs = transposed_convolution(
            inputs,
            # TensorFlow takes no variable where gradients are written by hand.
            ops.copy(self.kernel),
            self._axes(inputs.shape),
            by_hand=bool(training),
        )
        if self.bias is not None:
            outputs = ops.add(outputs, self.bias)
        return self.activation(outputs)

    def _method_for(self, input_shape: Shape) -> str:
        plain = self.data_format == "channels_last" and (
            max(self.dilation_rate) == 1 and None not in input_shape[1:]
        )
        if not plain:
            return "direct"
        return faster_method() if self.method == "auto" else self.method

    def _axes(self, input_shape: Shape) -> Axes:
        output_shape = self.compute_output_shape(input_shape)
        first, second = (
            self._axis(*numbers)
            for numbers in zip(
                input_shape[1:3],
                output_shape[1:3],
                self.kernel_size,
                self.strides,
                strict=True,
            )
        )
        return first, second

    def _axis(self, inputs: int, outputs: int, taps: int, stride: int) -> Axis:
        axis = Axis(inputs, outputs, taps, stride, crop=0)
        if self.padding == "valid":
            return axis
        return axis._replace(crop=max(axis.uncropped - outputs, 0) // 2)


def faster_method() -> str:
    """Returns the faster method of this backend on its default device.

    How many times faster the phases are, batch 128, kernel 3, stride 2, from
    14x14x64, on two cores that other programs used too
    (`examples/benchmarks/transposed_convolution.py`):

    | backend | forward | with gradients |
    | --- | --- | --- |
    | JAX | 2.2 | 7.6 |
    | TensorFlow | 0.7 | 0.4 |
    | TensorFlow, XLA | 1.0 | 0.9 |
    | PyTorch | 0.7 | 0.5 |

    JAX's own gradient of the kernel is what is slow; the phases' gradients were
    convolutions then, and are faster as matrix products now. A layer cannot see
    whether TensorFlow will compile it by XLA. On other devices nothing was
    measured: they are left to Keras.
    """
    if keras.backend.backend() != "jax":
        return "direct"
    (device, *_) = keras.distribution.list_devices()
    return "subpixel" if device.startswith("cpu") else "direct"
