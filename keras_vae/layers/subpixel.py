"""Convolutions of any stride as matrix products, and their gradients.

Written out on one axis, a transposed convolution of stride s is
out[o] = sum of x[i] * kernel[t] over i * s + t = o + crop. With
o + crop = q * s + r that is, for each phase r, a plain convolution of x with
every s-th tap: sum over j of x[q - j] * kernel[r + j * s]. One matrix product
gives each input times each tap; the phases are sums of its parts, moved by j,
with no product with the zeros that are else put between the inputs, and lie
between each other as pixels do: "sub-pixel" convolution.

The gradients are matrix products too, and so are those of a convolution, to
which the transposed one is the gradient of its inputs. XLA runs such products
on every core of a CPU, in a compiled loop as well, where its own convolutions
for the same gradients use little more than one.
A batch goes through in parts whose products stay in a CPU's cache.
Source: Shi et al., 2016, section 3.1, https://arxiv.org/abs/1609.05158.
"""

import functools
import math
from collections.abc import Callable
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

    def taps_at(self, phase: int) -> list[tuple[int, slice]]:
        """The taps of a phase, each with the inputs that it is for.

        The inputs are those of all blocks, from `taps_of_phase - 1` before
        the first.
        """
        taps = range(phase, self.taps, self.stride)
        last = self.taps_of_phase - 1
        return [
            (tap, slice(last - moved, last - moved + self.blocks))
            for moved, tap in enumerate(taps)
        ]


Axes = tuple[Axis, Axis]

# Of a part's products: from 3 to 7 MiB were equally fast, with 32 MiB of cache.
_VALUES = 1_500_000


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
    return _with_gradients(_phases, _of_phases, inputs, kernel, axes)


def convolution(inputs: Tensor, kernel: Tensor, axes: Axes) -> Tensor:
    """Computes what `keras.ops.conv` does, with gradients written by hand.

    There is no forward-mode derivative.

    Args:
        inputs: Tensor `(batch, height, width, channels)`.
        kernel: Tensor `(*taps, channels, filters)` of the inputs' dtype.
        axes: The numbers of the transposed convolution that leads back: its
            inputs are what comes out here.

    Returns:
        Tensor `(batch, new_height, new_width, filters)`.
    """
    return _with_gradients(_convolved, _of_convolved, inputs, kernel, axes)


def _with_gradients(
    function: Callable[[Tensor, Tensor, Axes], Tensor],
    gradients: Callable[[Tensor, Tensor, Tensor, Axes], tuple[Tensor, Tensor]],
    inputs: Tensor,
    kernel: Tensor,
    axes: Axes,
) -> Tensor:
    @ops.custom_gradient
    def call(inputs: Tensor, kernel: Tensor) -> tuple[Tensor, Any]:
        def backward(
            *args: Any, upstream: Tensor = None
        ) -> tuple[Tensor, Tensor]:
            if upstream is None:  # Only PyTorch passes it by name.
                (upstream,) = args
            return gradients(upstream, inputs, kernel, axes)

        return function(inputs, kernel, axes), backward

    return call(inputs, kernel)


def _phases(inputs: Tensor, kernel: Tensor, axes: Axes) -> Tensor:
    """Returns the transposed convolution."""
    (outputs,) = _in_parts(
        lambda inputs: (_phases_of_part(inputs, kernel, axes),),
        (inputs,),
        _num_parts(inputs, kernel, axes),
    )
    return _joined(outputs)


def _phases_of_part(inputs: Tensor, kernel: Tensor, axes: Axes) -> Tensor:
    filters, channels = kernel.shape[2:]
    before = [axis.taps_of_phase - 1 - axis.first for axis in axes]
    after = [axis.first + axis.blocks - axis.inputs for axis in axes]
    # As large as the outputs' blocks, and more by the phases' further taps.
    inputs = _fitted(inputs, before, after)
    products = ops.matmul(
        _matrix(inputs),
        ops.reshape(ops.transpose(kernel, (3, 0, 1, 2)), (channels, -1)),
    )
    rows, columns = axes
    products = ops.reshape(
        products, (-1, *inputs.shape[1:3], rows.taps, columns.taps, filters)
    )
    # Depth to space: each phase goes to its own place in every block.
    outputs = ops.stack(
        [
            ops.stack(
                [
                    _phase(products, axes, (row, column))
                    for column in range(columns.stride)
                ],
                axis=3,
            )
            for row in range(rows.stride)
        ],
        axis=2,
    )
    outputs = ops.reshape(
        outputs, (-1, *(axis.blocks * axis.stride for axis in axes), filters)
    )
    before = [axis.first * axis.stride - axis.crop for axis in axes]
    after = [
        axis.crop + axis.outputs - (axis.first + axis.blocks) * axis.stride
        for axis in axes
    ]
    return _fitted(outputs, before, after)


def _phase(products: Tensor, axes: Axes, phase: tuple[int, int]) -> Tensor:
    """Returns one output of every block: the sum over its taps."""
    rows, columns = axes
    parts = [
        products[:, from_row, from_column, row, column]
        for row, from_row in rows.taps_at(phase[0])
        for column, from_column in columns.taps_at(phase[1])
    ]
    if not parts:  # The kernel is smaller than the stride.
        return ops.zeros_like(
            products[:, : rows.blocks, : columns.blocks, 0, 0]
        )
    return functools.reduce(ops.add, parts)


def _of_phases(
    upstream: Tensor, inputs: Tensor, kernel: Tensor, axes: Axes
) -> tuple[Tensor, Tensor]:
    def of_part(upstream: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
        reached = _reached(upstream, axes)
        of_inputs = ops.matmul(reached, _matrix(kernel))
        of_kernel = ops.matmul(ops.transpose(_matrix(inputs)), reached)
        return ops.reshape(of_inputs, (-1, *inputs.shape[1:])), of_kernel

    of_inputs, of_kernel = _in_parts(
        of_part, (upstream, inputs), _num_parts(inputs, kernel, axes)
    )
    of_kernel = ops.transpose(ops.sum(of_kernel, axis=0))
    return _joined(of_inputs), ops.reshape(of_kernel, kernel.shape)


def _convolved(inputs: Tensor, kernel: Tensor, axes: Axes) -> Tensor:
    return ops.conv(
        _uncropped(inputs, axes),
        kernel,
        strides=tuple(axis.stride for axis in axes),
        padding="valid",
        data_format="channels_last",
    )


def _of_convolved(
    upstream: Tensor, inputs: Tensor, kernel: Tensor, axes: Axes
) -> tuple[Tensor, Tensor]:
    def of_part(upstream: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
        taps = ops.transpose(_reached(inputs, axes))
        of_inputs = _phases_of_part(upstream, kernel, axes)
        return of_inputs, ops.matmul(taps, _matrix(upstream))

    of_inputs, of_kernel = _in_parts(
        of_part, (upstream, inputs), _num_parts(upstream, kernel, axes)
    )
    of_kernel = ops.sum(of_kernel, axis=0)
    return _joined(of_inputs), ops.reshape(of_kernel, kernel.shape)


def _reached(outputs: Tensor, axes: Axes) -> Tensor:
    """Returns the outputs that an input reaches: a matrix.

    It has a row for each input, and a column for each tap and filter.
    """
    outputs = _uncropped(outputs, axes)
    rows, columns = (
        [
            slice(tap, tap + (axis.inputs - 1) * axis.stride + 1, axis.stride)
            for tap in range(axis.taps)
        ]
        for axis in axes
    )
    return _matrix(
        ops.concatenate(
            [outputs[:, row, column] for row in rows for column in columns],
            axis=-1,
        )
    )


def _uncropped(outputs: Tensor, axes: Axes) -> Tensor:
    """Returns all that the inputs reach, with zeros where it was cropped."""
    before = [axis.crop for axis in axes]
    after = [axis.uncropped - axis.crop - axis.outputs for axis in axes]
    return _fitted(outputs, before, after)


def _num_parts(inputs: Tensor, kernel: Tensor, axes: Axes) -> int:
    """Returns into how many parts a batch of inputs goes."""
    batch = inputs.shape[0]
    if batch is None:
        return 1
    values = kernel.shape[2] * math.prod(a.inputs * a.taps for a in axes)
    least = min(-(-batch * values // _VALUES), batch)
    # Parts are equal, and not much smaller than they have to be.
    return next((n for n in range(least, 4 * least) if batch % n == 0), 1)


def _in_parts(
    function: Callable[..., tuple[Tensor, ...]],
    tensors: tuple[Tensor, ...],
    parts: int,
) -> tuple[Tensor, ...]:
    """Returns what a function gives for each part, on a new first axis."""
    if parts == 1:
        return tuple(one[None] for one in function(*tensors))
    divided = tuple(
        ops.reshape(one, (parts, -1, *one.shape[1:])) for one in tensors
    )
    return ops.map(lambda part: function(*part), divided)


def _joined(parts: Tensor) -> Tensor:
    """Returns the parts as one batch."""
    return ops.reshape(parts, (-1, *parts.shape[2:]))


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
