"""What Keras's strided layers need to be computed by sub-pixel phases."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_vae.layers.subpixel import Axes, Axis
from keras_vae.types import Shape, Tensor
from keras_vae.validation import require

_METHODS = ("auto", "direct", "subpixel")


class ByPhases:
    """Goes before a convolution of Keras among a layer's base classes.

    Args:
        *args: As Keras's layer takes them.
        method: String, `"auto"` for the faster way, `"direct"` for Keras's or
            `"subpixel"` for the phases. It is not part of the config: a model
            that is loaded on another machine chooses anew.
        **kwargs: As Keras's layer takes them.

    Raises:
        ValueError: if `method` is none of the three.
    """

    # Keras's layer sets them.
    activation: Callable[[Tensor], Tensor]
    bias: keras.Variable | None
    compute_dtype: str
    data_format: str
    dilation_rate: Shape
    kernel_size: Shape
    padding: str
    strides: Shape
    get_build_config: Callable[[], dict[str, Any]]

    def __init__(self, *args: Any, method: str = "auto", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        require(
            method in _METHODS,
            f"`method` must be one of {_METHODS}. Received: "
            f'method={method!r}. Pass e.g. `method="auto"`.',
        )
        self.method = method

    def axes(self, input_shape: Shape) -> Axes:
        """Returns the height's and the width's numbers."""
        raise NotImplementedError

    def method_for(self, input_shape: Shape) -> str:
        """Returns `"direct"` or `"subpixel"`, for inputs of a shape.

        Channels that come first, groups, a dilated kernel and images of
        unknown size are left to Keras.
        """
        plain = (
            self.data_format == "channels_last"
            and max(self.dilation_rate) == 1
            and getattr(self, "groups", 1) == 1
            and None not in input_shape[1:]
        )
        if not plain:
            return "direct"
        return faster_method() if self.method == "auto" else self.method

    @property
    def goes_by_phases(self) -> bool:
        """Whether a layer that is built leaves nothing to Keras."""
        shape = self.get_build_config()["input_shape"]
        return self.method_for(shape) == "subpixel"

    def _finished(self, outputs: Tensor) -> Tensor:
        """Adds the bias, and applies the activation.

        A bias's gradient is a sum over all positions, which TensorFlow and
        XLA may make in bfloat16 on a CPU: over 25,088 it was 83 % wrong. So
        in bfloat16 the bias is added in float32.
        """
        if self.bias is not None:
            dtype = self.compute_dtype
            wider = "float32" if dtype == "bfloat16" else dtype
            outputs = ops.add(
                ops.cast(outputs, wider), ops.cast(self.bias, wider)
            )
            outputs = ops.cast(outputs, dtype)
        return self.activation(outputs)

    def _axes(self, small: Shape, large: Shape) -> Axes:
        """Returns the numbers of the transposed convolution between sizes."""
        first, second = (
            self._axis(*numbers)
            for numbers in zip(
                *(small[1:3], large[1:3], self.kernel_size, self.strides),
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

    How many times faster a transposed convolution is by phases, batch 128,
    kernel 3, stride 2, from 14x14x64, on two cores
    (`examples/benchmarks/transposed_convolution.py`):

    | backend | forward | with gradients |
    | --- | --- | --- |
    | JAX | 1.6 | 6.2 |
    | TensorFlow | 0.5 | 0.3 |
    | TensorFlow, XLA | 1.2 | 1.2 |
    | PyTorch | 0.5 | 0.7 |

    In a compiled loop JAX's gradients of a plain strided convolution are slow
    as well (131 against 13 ms outside), and those by phases are not. A layer
    cannot see whether TensorFlow will compile it by XLA. On other devices
    nothing was measured: they are left to Keras.
    """
    if keras.backend.backend() != "jax":
        return "direct"
    (device, *_) = keras.distribution.list_devices()
    return "subpixel" if device.startswith("cpu") else "direct"
