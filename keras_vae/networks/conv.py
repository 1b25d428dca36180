"""Convolutional encoders and decoders of images of any size."""

import math
from collections.abc import Sequence
from typing import Any

import keras

from keras_vae.layers import Conv2D, Conv2DTranspose
from keras_vae.networks.building import (
    Inputs,
    LayerOptions,
    checked_dims,
    checked_image_shape,
)
from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int, require

_STRIDE = 2


def conv_encoder(
    input_shape: Sequence[int],
    filters: Sequence[int] = (32, 64),
    kernel_size: int = 3,
    hidden_dims: Sequence[int] = (),
    activation: Any = "relu",
    dtype: Any = None,
    seed: int | None = None,
    name: str | None = None,
    condition_dim: int | None = None,
) -> keras.Model:
    """Builds a convolutional encoder: images to flat features.

    Each convolution has stride 2, so it halves height and width, rounded up.

    Args:
        input_shape: Tuple of integers, `(height, width, channels)` of one
            image.
        filters: Tuple of integers, the channels that each convolution gives.
            Defaults to `(32, 64)`.
        kernel_size: Integer of at least 2, the kernels' height and width.
        hidden_dims: Tuple of integers, the widths of Dense layers after the
            convolutions. Defaults to none.
        activation: String or callable, as `mlp_encoder` takes it.
        dtype: String or `keras.DTypePolicy` of the layers.
        seed: Integer or None. The same seed gives the same initial weights
            on one backend; another backend draws others from it.
        name: String, the model's name. Defaults to `"conv_encoder"`.
        condition_dim: Integer, the size of the condition of a
            `ConditionalVAE`, which becomes the network's second input; or
            `None` for a network without one.

    Returns:
        A functional `keras.Model`, from `(batch, height, width, channels)` to
        `(batch, num_features)`. Channels are last, whatever
        `keras.config.image_data_format` says.

    Raises:
        TypeError: if a size is not an integer.
        ValueError: if a size is too small, `filters` is empty or
            `input_shape` has not three axes.

    Example:
    >>> from keras_vae import networks
    >>> networks.conv_encoder((28, 28, 1)).output_shape  # 7 x 7 x 64
    (None, 3136)
    """
    input_shape = checked_image_shape(
        "input_shape", input_shape, "Pass e.g. `conv_encoder((28, 28, 1))`."
    )
    filters, kernel_size, dims = _checked_sizes(
        filters, kernel_size, hidden_dims, fix_filters=(32, 64)
    )
    options = LayerOptions("conv_encoder", activation, dtype, seed)
    inputs = Inputs("x", input_shape, condition_dim)
    x = inputs.joined(inputs.first, options)
    features = _halve_often(x, filters, kernel_size, options)
    features = options.dense_stack(features, dims)
    return inputs.model(features, name or "conv_encoder")


def conv_decoder(
    latent_dim: int,
    output_shape: Sequence[int],
    filters: Sequence[int] = (64, 32),
    kernel_size: int = 3,
    hidden_dims: Sequence[int] = (),
    activation: Any = "relu",
    dtype: Any = None,
    seed: int | None = None,
    name: str | None = None,
    condition_dim: int | None = None,
) -> keras.Model:
    """Builds a convolutional decoder: z to features of the images' size.

    Mirrors `conv_encoder` with the filters reversed: stage by stage it has
    the encoder's heights and widths, fixed when it is built.

    Args:
        latent_dim: Integer, the size of z.
        output_shape: Tuple of integers, `(height, width, channels)` of one
            image; the likelihood turns the features into its channels.
        filters: Tuple of integers, the channels that each transposed
            convolution gives. Defaults to `(64, 32)`.
        kernel_size: Integer of at least 2, the kernels' height and width.
        hidden_dims: Tuple of integers, the widths of Dense layers before the
            convolutions. Defaults to none.
        activation: String or callable, as `mlp_encoder` takes it.
        dtype: As `conv_encoder` takes it.
        seed: As `conv_encoder` takes it.
        name: String, the model's name. Defaults to `"conv_decoder"`.
        condition_dim: As `conv_encoder` takes it.

    Returns:
        A functional `keras.Model`, from `(batch, latent_dim)` to
        `(batch, height, width, filters[-1])`, channels last.

    Raises:
        TypeError: if a size is not an integer.
        ValueError: if a size is too small or a tuple too short.

    Example:
    >>> from keras_vae import networks
    >>> networks.conv_decoder(16, output_shape=(28, 28, 1)).output_shape
    (None, 28, 28, 32)
    """
    fix = "Pass e.g. `conv_decoder(latent_dim=16, output_shape=(28, 28, 1))`."
    latent_dim = positive_int("latent_dim", latent_dim, fix)
    shape = checked_image_shape("output_shape", output_shape, fix)
    filters, kernel_size, dims = _checked_sizes(
        filters, kernel_size, hidden_dims, fix_filters=(64, 32)
    )
    options = LayerOptions("conv_decoder", activation, dtype, seed)
    sizes = _sizes(shape[:2], len(filters))
    start = (*sizes[0], filters[0])
    inputs = Inputs("z", (latent_dim,), condition_dim)
    features = inputs.joined(inputs.first, options)
    features = options.dense_stack(features, (*dims, math.prod(start)))
    features = keras.layers.Reshape(start, **options.plain("reshape"))(features)
    features = _double_often(features, filters, kernel_size, sizes, options)
    return inputs.model(features, name or "conv_decoder")


def _halve_often(
    x: Tensor, filters: Shape, kernel_size: int, options: LayerOptions
) -> Tensor:
    """Applies a convolution for each number of channels, then flattens."""
    for index, channels in enumerate(filters):
        x = Conv2D(
            channels,
            kernel_size,
            strides=_STRIDE,
            padding="same",
            data_format="channels_last",
            **options.weighted(f"conv_{index}"),
        )(x)
    return keras.layers.Flatten(
        data_format="channels_last", **options.plain("flatten")
    )(x)


def _double_often(
    features: Tensor,
    filters: Shape,
    kernel_size: int,
    sizes: list[Shape],
    options: LayerOptions,
) -> Tensor:
    """Applies transposed convolutions that go through the sizes."""
    for index, channels in enumerate(filters):
        wanted = sizes[index + 1]
        doubled = tuple(_STRIDE * dim for dim in sizes[index])
        features = Conv2DTranspose(
            channels,
            kernel_size,
            strides=_STRIDE,
            padding="same" if wanted == doubled else "valid",
            data_format="channels_last",
            **options.weighted(f"conv_transpose_{index}"),
        )(features)
        features = _crop(features, wanted, options.plain(f"crop_{index}"))
    return features


def _sizes(size: Shape, num_stages: int) -> list[Shape]:
    """Returns heights and widths between the stages, the smallest first."""
    sizes = [size]
    for _ in range(num_stages):
        sizes.append(tuple(-(-dim // _STRIDE) for dim in sizes[-1]))
    return sizes[::-1]


def _crop(features: Tensor, size: Shape, options: dict[str, Any]) -> Tensor:
    """Crops to `size` what a transposed convolution gives without padding.

    It takes off what "same" padding adds before the encoder's convolution of
    an image of this size, the extra pixel behind. The layer's own "same"
    padding does so where the size doubles, and needs no crop, whose gradient
    took a third of a step on TensorFlow.
    """
    margins = []
    for dim, wanted in zip(features.shape[1:3], size, strict=True):
        before = (dim - wanted) // 2
        margins.append((before, dim - wanted - before))
    if margins == [(0, 0), (0, 0)]:
        return features
    return keras.layers.Cropping2D(
        tuple(margins), data_format="channels_last", **options
    )(features)


def _checked_sizes(
    filters: Any, kernel_size: Any, hidden_dims: Any, fix_filters: Shape
) -> tuple[Shape, int, Shape]:
    """Checks the arguments that encoder and decoder share."""
    fix = f"Pass e.g. `filters={fix_filters}`."
    checked = checked_dims("filters", filters, fix)
    require(
        len(checked) > 0,
        "`filters` must name the channels of at least one layer. "
        f"Received: filters={filters!r}. {fix}",
    )
    fix = "Pass e.g. `kernel_size=3`."
    size = positive_int("kernel_size", kernel_size, fix)
    require(
        size >= _STRIDE,
        f"`kernel_size` must be at least the stride, {_STRIDE}, or pixels "
        f"are left out. Received: kernel_size={kernel_size}. {fix}",
    )
    dims = checked_dims(
        "hidden_dims", hidden_dims, "Pass e.g. `hidden_dims=(128,)`."
    )
    return checked, size, dims
