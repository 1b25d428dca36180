"""Transposed convolution as one plain convolution at the inputs' size.

Written out on one axis, a transposed convolution of stride s is
out[o] = sum of x[i] * kernel[t] over i * s + t = o + crop. With
o + crop = q * s + r that is, for each phase r, a plain convolution of x with
every s-th tap: sum over j of x[q - j] * kernel[r + j * s]. All phases together
are one convolution with s times as many channels, and no product with the
zeros that are else put between the inputs. The gradients written by hand are
matrix products, which XLA runs on every core of a CPU: its convolutions for
the same gradients use little more than one.
Source: Shi et al., 2016, section 3.1, https://arxiv.org/abs/1609.05158.
"""

from typing import Any, NamedTuple

from keras import ops

from keras_vae.types import Tensor


class Axis(NamedTuple):
    """A transposed convolution along one spatial axis: its whole numbers."""

    inputs: int
    outputs: int
    taps: int
    stride: int
    crop: int  # Elements taken off before the first output.

    @property
    def uncropped(self) -> int:
        """Elements that the inputs reach: `crop`, outputs, and behind."""
        return (self.inputs - 1) * self.stride + self.taps

    @property
    def taps_of_phase(self) -> int:
        """The most taps that one phase has."""
        return -(-self.taps // self.stride)

    @property
    def first(self) -> int:
        """The first block of `stride` elements that holds an output."""
        return self.crop // self.stride

    @property
    def blocks(self) -> int:
        """How many blocks of `stride` elements hold the outputs."""
        return -(-(self.crop + self.outputs) // self.stride) - self.first


Axes = tuple[Axis, Axis]


def transposed_convolution(
    inputs: Tensor, kernel: Tensor, axes: Axes, by_hand: bool
) -> Tensor:
    """Computes what `keras.ops.conv_transpose` does, by phases.

    Args:
        inputs: Tensor `(batch, height, width, channels)`.
        kernel: Tensor `(*taps, filters, channels)` of the inputs' dtype.
        axes: The height's and the width's numbers.
        by_hand: Boolean, whether the gradients are those written below, with
            which there is no forward-mode derivative, or the backend's.

    Returns:
        Tensor `(batch, *outputs, filters)`.
    """
    if not by_hand:
        return _phases(inputs, kernel, axes)

    @ops.custom_gradient
    def function(inputs: Tensor, kernel: Tensor) -> tuple[Tensor, Any]:
        def gradients(
            *args: Any, upstream: Tensor = None
        ) -> tuple[Tensor, Tensor]:
            if upstream is None:  # Only PyTorch passes it by name.
                (upstream,) = args
            return _gradients(upstream, inputs, kernel, axes)

        return _phases(inputs, kernel, axes), gradients

    return function(inputs, kernel)


def _phases(inputs: Tensor, kernel: Tensor, axes: Axes) -> Tensor:
    filters = kernel.shape[2]
    before = [axis.taps_of_phase - 1 - axis.first for axis in axes]
    after = [axis.first + axis.blocks - axis.inputs for axis in axes]
    # As many zeros on either side: else XLA's convolution uses one core only.
    sides = [max(pair) for pair in zip(before, after, strict=True)]
    outputs = ops.conv(
        _fitted(inputs, sides, sides),
        _kernel_of_phases(kernel, axes),
        padding="valid",
        data_format="channels_last",
    )
    outputs = _fitted(
        outputs,
        [margin - side for margin, side in zip(before, sides, strict=True)],
        [margin - side for margin, side in zip(after, sides, strict=True)],
    )
    rows, columns = axes
    strides = rows.stride, columns.stride
    outputs = ops.reshape(
        outputs, (-1, rows.blocks, columns.blocks, *strides, filters)
    )
    # Depth to space: each phase goes to its own place in every block.
    outputs = ops.reshape(
        ops.transpose(outputs, (0, 1, 3, 2, 4, 5)),
        (-1, *(axis.blocks * axis.stride for axis in axes), filters),
    )
    before = [axis.first * axis.stride - axis.crop for axis in axes]
    after = [
        axis.crop + axis.outputs - (axis.first + axis.blocks) * axis.stride
        for axis in axes
    ]
    return _fitted(outputs, before, after)


def _kernel_of_phases(kernel: Tensor, axes: Axes) -> Tensor:
    """Returns the kernel `(*taps_of_phase, channels, phases * filters)`."""
    rows, columns = axes
    filters, channels = kernel.shape[2:]
    missing = [a.taps_of_phase * a.stride - a.taps for a in axes]
    kernel = ops.pad(kernel, [[0, m] for m in (*missing, 0, 0)])
    kernel = ops.reshape(
        kernel,
        (
            *(rows.taps_of_phase, rows.stride),
            *(columns.taps_of_phase, columns.stride),
            *(filters, channels),
        ),
    )
    # Keras's convolution does not turn the kernel round: x[q + j], not q - j.
    kernel = ops.flip(ops.transpose(kernel, (0, 2, 5, 1, 3, 4)), (0, 1))
    return ops.reshape(kernel, (*kernel.shape[:3], -1))


def _gradients(
    upstream: Tensor, inputs: Tensor, kernel: Tensor, axes: Axes
) -> tuple[Tensor, Tensor]:
    """Returns the gradients of the inputs and of the kernel.

    Both are products with one matrix: the gradients of all outputs that an
    element reached, a row an element, a column a tap and filter.
    """
    before = [axis.crop for axis in axes]
    after = [axis.uncropped - axis.crop - axis.outputs for axis in axes]
    upstream = _fitted(upstream, before, after)
    rows, columns = (
        [
            slice(tap, tap + (axis.inputs - 1) * axis.stride + 1, axis.stride)
            for tap in range(axis.taps)
        ]
        for axis in axes
    )
    reached = _matrix(
        ops.concatenate(
            [upstream[:, row, column] for row in rows for column in columns],
            axis=-1,
        )
    )
    of_inputs = ops.matmul(reached, _matrix(kernel))
    of_kernel = ops.matmul(ops.transpose(reached), _matrix(inputs))
    return (
        ops.reshape(of_inputs, (-1, *inputs.shape[1:])),
        ops.reshape(of_kernel, kernel.shape),
    )


def _matrix(x: Tensor) -> Tensor:
    """Returns the tensor with all its axes but the last made one."""
    return ops.reshape(x, (-1, x.shape[-1]))


def _fitted(x: Tensor, before: list[int], after: list[int]) -> Tensor:
    """Adds zeros around the spatial axes, or crops where a number is < 0."""
    margins = list(zip(before, after, strict=True))
    if any(max(pair) > 0 for pair in margins):
        padding = [[max(b, 0), max(a, 0)] for b, a in margins]
        x = ops.pad(x, [[0, 0], *padding, [0, 0]])
    if any(min(pair) < 0 for pair in margins):
        rows, columns = (
            slice(max(-b, 0), min(a, 0) or None) for b, a in margins
        )
        x = x[:, rows, columns]
    return x
