"""What the builders of networks share."""

import math
import zlib
from collections.abc import Sequence
from typing import Any

import keras

from keras_vae.random import blocks
from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int, require


def checked_dims(name: str, value: Any, fix: str) -> Shape:
    """Returns a tuple of positive integers.

    Args:
        name: The argument's name, for the message.
        value: What the caller passed.
        fix: A full sentence that tells how to call it right.

    Raises:
        TypeError: if `value` is no sequence of integers.
        ValueError: if one of them is below 1.
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(
            f"`{name}` must be a tuple of positive integers. Received: "
            f"{name}={value!r} of type {type(value).__name__}. {fix}"
        )
    return tuple(
        positive_int(f"{name}[{index}]", dim, fix)
        for index, dim in enumerate(value)
    )


def checked_shape(name: str, value: Any, fix: str) -> Shape:
    """Returns the shape of one x, without its batch axis: not empty."""
    shape = checked_dims(name, value, fix)
    require(
        len(shape) > 0,
        f"`{name}` must have at least one axis. "
        f"Received: {name}={value!r}. {fix}",
    )
    return shape


def checked_image_shape(name: str, value: Any, fix: str) -> Shape:
    """Returns the shape of one image: `(height, width, channels)`."""
    shape = checked_dims(name, value, fix)
    require(
        len(shape) == 3,
        f"`{name}` must be (height, width, channels). "
        f"Received: {name}={value!r}. {fix}",
    )
    return shape


class Inputs:
    """The inputs of a network: its first, and a condition where it has one.

    Args:
        name: The first input's name.
        shape: Its shape without the batch axis.
        condition_dim: Integer, or `None` for a network without a condition.
    """

    def __init__(self, name: str, shape: Shape, condition_dim: Any) -> None:
        self.first = keras.Input(shape, name=name)
        self.condition: Tensor | None = None
        if condition_dim is not None:
            size = positive_int(
                "condition_dim", condition_dim, "Pass e.g. `condition_dim=10`."
            )
            self.condition = keras.Input((size,), name="condition")

    def joined(self, features: Tensor, options: "LayerOptions") -> Tensor:
        """Appends the condition to the features' last axis.

        Args:
            features: Tensor `(batch, num_features)`, or an image `(batch,
                height, width, channels)`, whose every pixel is given the
                condition as further channels.
            options: The arguments of the layers that do it.
        """
        if self.condition is None:
            return features
        condition = self.condition
        spatial = tuple(features.shape[1:-1])
        if spatial:
            shape = (*spatial, condition.shape[-1])
            repeat = keras.layers.RepeatVector(
                math.prod(spatial), **options.plain("repeat_condition")
            )
            reshape = keras.layers.Reshape(
                shape, **options.plain("spread_condition")
            )
            condition = reshape(repeat(condition))
        join = keras.layers.Concatenate(**options.plain("join_condition"))
        return join([features, condition])

    def model(self, features: Tensor, name: str) -> keras.Model:
        """Returns the functional model that ends in `features`."""
        if self.condition is None:
            return keras.Model(self.first, features, name=name)
        inputs = [self.first, self.condition]
        return keras.Model(inputs, features, name=name)


class LayerOptions:
    """The arguments that the layers of one network have in common.

    Args:
        scope: The network's kind, which with a layer's name tells the layers
            of one seed apart.
        activation: What Keras's layers take as `activation`.
        dtype: What they take as `dtype`.
        seed: Integer or None, the network's seed.
    """

    def __init__(
        self, scope: str, activation: Any, dtype: Any, seed: int | None
    ) -> None:
        self.scope = scope
        self.activation = activation
        self.dtype = dtype
        self.seed = seed

    def weighted(self, name: str) -> dict[str, Any]:
        """Returns the arguments of a layer with a kernel."""
        return {
            "activation": self.activation,
            "kernel_initializer": self._initializer(name),
            **self.plain(name),
        }

    def plain(self, name: str) -> dict[str, Any]:
        """Returns the arguments of a layer without weights."""
        return {"dtype": self.dtype, "name": name}

    def dense_stack(self, features: Tensor, dims: Shape) -> Tensor:
        """Applies a Dense layer for each width: `dense_0`, `dense_1`, ..."""
        for index, dim in enumerate(dims):
            layer = keras.layers.Dense(dim, **self.weighted(f"dense_{index}"))
            features = layer(features)
        return features

    def _initializer(self, name: str) -> keras.initializers.Initializer:
        """Returns Keras's default for kernels, with a seed of its own."""
        if self.seed is None:
            return keras.initializers.GlorotUniform()
        number = zlib.crc32(f"{self.scope}/{name}".encode())
        # Not every backend takes a seed of 32 bits: 31 suit all.
        word = int(blocks(self.seed, number)[0]) >> 1
        return keras.initializers.GlorotUniform(seed=word)
