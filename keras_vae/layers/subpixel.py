"""Transposed convolution as one matrix product and a sum by phases.

Written out on one axis, a transposed convolution of stride s is
out[o] = sum of x[i] * kernel[t] over i * s + t = o + crop. All products of an
element with the taps are one matrix product, which a backend runs on every
core, where XLA's convolutions use little more than one of a CPU's. With
o + crop = q * s + r each phase r is then a sum of shifted products, those of
every s-th tap: sum over j of x[q - j] * kernel[r + j * s]. There is no product
with the zeros that are else put between the inputs.
Source: Shi et al., 2016, section 3.1, https://arxiv.org/abs/1609.05158.
"""

import functools
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
        return _outputs(inputs, kernel, axes)

    @ops.custom_gradient
    def function(inputs: Tensor, kernel: Tensor) -> tuple[Tensor, Any]:
        def gradients(
            *args: Any, upstream: Tensor = None
        ) -> tuple[Tensor, Tensor]:
            if upstream is None:  # Only PyTorch passes it by name.
                (upstream,) = args
            return _gradients(upstream, inputs, kernel, axes)

        return _outputs(inputs, kernel, axes), gradients

    return function(inputs, kernel)


def _outputs(inputs: Tensor, kernel: Tensor, axes: Axes) -> Tensor:
    rows, columns = axes
    products = ops.reshape(
        ops.matmul(_matrix(inputs), ops.transpose(_matrix(kernel))),
        (-1, rows.inputs, columns.inputs, *kernel.shape[:3]),
    )
    outputs = functools.reduce(
        ops.add,
        [
            _group(products, axes, row, column)
            for row in range(rows.taps_of_phase)
            for column in range(columns.taps_of_phase)
        ],
    )
    # Depth to space: each phase goes to its own place in every block.
    outputs = ops.reshape(
        ops.transpose(outputs, (0, 1, 3, 2, 4, 5)),
        (-1, *(axis.blocks * axis.stride for axis in axes), kernel.shape[2]),
    )
    before = [axis.first * axis.stride - axis.crop for axis in axes]
    after = [
        axis.crop + axis.outputs - (axis.first + axis.blocks) * axis.stride
        for axis in axes
    ]
    return _fitted(outputs, before, after)


def _group(products: Tensor, axes: Axes, *groups: int) -> Tensor:
    """Returns what one tap of each phase adds: `(batch, *blocks, *phases, f)`.

    The taps of group j, from j * stride on, one for each phase, reach j blocks
    further than those of group 0.
    """
    pairs = list(zip(axes, groups, strict=True))
    shifts = [j - axis.first for axis, j in pairs]
    taps = [j * axis.stride for axis, j in pairs]
    before = [*shifts, *(-tap for tap in taps)]
    after = [
        axis.blocks - axis.inputs - shift
        for axis, shift in zip(axes, shifts, strict=True)
    ] + [
        tap + axis.stride - axis.taps
        for axis, tap in zip(axes, taps, strict=True)
    ]
    return _fitted(products, before, after)


def _gradients(
    upstream: Tensor, inputs: Tensor, kernel: Tensor, axes: Axes
) -> tuple[Tensor, Tensor]:
    """Returns the gradients of the inputs and of the kernel.

    Both are products with the matrix of what each element reached: a row an
    element, a column a tap and filter.
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
    """Makes all axes but the last one."""
    return ops.reshape(x, (-1, x.shape[-1]))


def _fitted(x: Tensor, before: list[int], after: list[int]) -> Tensor:
    """Adds zeros around the inner axes, or crops where a number is < 0."""
    margins = list(zip(before, after, strict=True))
    if any(max(pair) > 0 for pair in margins):
        padding = [[max(b, 0), max(a, 0)] for b, a in margins]
        x = ops.pad(x, [[0, 0], *padding, [0, 0]])
    if any(min(pair) < 0 for pair in margins):
        inner = (slice(max(-b, 0), min(a, 0) or None) for b, a in margins)
        x = x[(slice(None), *inner)]
    return x
