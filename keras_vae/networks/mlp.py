"""Fully connected encoders and decoders."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_vae.networks.building import (
    Inputs,
    LayerOptions,
    checked_dims,
    checked_shape,
)
from keras_vae.validation import positive_int


def mlp_encoder(
    input_shape: Sequence[int],
    hidden_dims: Sequence[int] = (400,),
    activation: Any = "relu",
    dtype: Any = None,
    seed: int | None = None,
    name: str | None = None,
    condition_dim: int | None = None,
) -> keras.Model:
    """Builds a fully connected encoder: x, flattened, to features.

    Source: Kingma & Welling, 2014, appendix C,
    https://arxiv.org/abs/1312.6114.

    Args:
        input_shape: Tuple of integers, the shape of one x without its batch
            axis.
        hidden_dims: Tuple of integers, the width of each Dense layer. An
            empty one gives x flattened: a linear posterior. Defaults to
            `(400,)`.
        activation: String or callable, as Keras's Dense takes it. A callable
            must be registered with Keras for the model to be saved. Defaults
            to `"relu"`.
        dtype: String or `keras.DTypePolicy` of the layers. Defaults to
            Keras's global policy.
        seed: Integer or None. The same seed gives the same initial weights
            on one backend; another backend draws others from it. `None` takes
            the seeds from Keras, as `keras.utils.set_random_seed` set them.
        name: String, the model's name. Defaults to `"mlp_encoder"`.
        condition_dim: Integer, the size of the condition of a
            `ConditionalVAE`, which becomes the network's second input; or
            `None` for a network without one.

    Returns:
        A functional `keras.Model`, from `(batch, *input_shape)` to
        `(batch, hidden_dims[-1])`.

    Raises:
        TypeError: if a shape or width is not made of integers.
        ValueError: if one of them is below 1, or `input_shape` is empty.

    Example:
    >>> from keras_vae import networks
    >>> networks.mlp_encoder((28, 28, 1), hidden_dims=(200, 50)).output_shape
    (None, 50)
    """
    input_shape = checked_shape(
        "input_shape", input_shape, "Pass e.g. `mlp_encoder((28, 28, 1))`."
    )
    dims = checked_dims(
        "hidden_dims", hidden_dims, "Pass e.g. `hidden_dims=(400,)`."
    )
    options = LayerOptions("mlp_encoder", activation, dtype, seed)
    inputs = Inputs("x", input_shape, condition_dim)
    flatten = keras.layers.Flatten(
        data_format="channels_last", **options.plain("flatten")
    )
    features = inputs.joined(flatten(inputs.first), options)
    features = options.dense_stack(features, dims)
    return inputs.model(features, name or "mlp_encoder")


def mlp_decoder(
    latent_dim: int,
    hidden_dims: Sequence[int] = (400,),
    activation: Any = "relu",
    dtype: Any = None,
    seed: int | None = None,
    name: str | None = None,
    condition_dim: int | None = None,
) -> keras.Model:
    """Builds a fully connected decoder: z to features.

    The likelihood turns the features into parameters of x's shape.
    Source: Kingma & Welling, 2014, appendix C,
    https://arxiv.org/abs/1312.6114.

    Args:
        latent_dim: Integer, the size of z.
        hidden_dims: Tuple of integers, the width of each Dense layer. An
            empty one gives z itself: a linear likelihood. Defaults to
            `(400,)`.
        activation: String or callable, as Keras's Dense takes it. A callable
            must be registered with Keras for the model to be saved. Defaults
            to `"relu"`.
        dtype: String or `keras.DTypePolicy` of the layers. Defaults to
            Keras's global policy.
        seed: Integer or None. The same seed gives the same initial weights
            on one backend; another backend draws others from it. `None` takes
            the seeds from Keras, as `keras.utils.set_random_seed` set them.
        name: String, the model's name. Defaults to `"mlp_decoder"`.
        condition_dim: Integer, the size of the condition of a
            `ConditionalVAE`, which becomes the network's second input; or
            `None` for a network without one.

    Returns:
        A functional `keras.Model`, from `(batch, latent_dim)` to
        `(batch, hidden_dims[-1])`.

    Raises:
        TypeError: if `latent_dim` or a width is not an integer.
        ValueError: if one of them is below 1.

    Example:
    >>> from keras_vae import networks
    >>> networks.mlp_decoder(latent_dim=2, hidden_dims=(50, 200)).output_shape
    (None, 200)
    """
    latent_dim = positive_int(
        "latent_dim", latent_dim, "Pass e.g. `mlp_decoder(latent_dim=16)`."
    )
    dims = checked_dims(
        "hidden_dims", hidden_dims, "Pass e.g. `hidden_dims=(400,)`."
    )
    options = LayerOptions("mlp_decoder", activation, dtype, seed)
    inputs = Inputs("z", (latent_dim,), condition_dim)
    features = inputs.joined(inputs.first, options)
    if not dims:
        identity = keras.layers.Identity(**options.plain("identity"))
        features = identity(features)
    features = options.dense_stack(features, dims)
    return inputs.model(features, name or "mlp_decoder")
