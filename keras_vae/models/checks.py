"""Checks of a VAE's parts when it is made."""

from typing import Any

import keras

from keras_vae.types import Shape
from keras_vae.validation import require


def check_network(name: str, network: Any) -> None:
    """Raises unless `network` is a Keras model.

    Raises:
        TypeError: with a builder that makes one.
    """
    if not isinstance(network, keras.Model):
        raise TypeError(
            f"`{name}` must be a keras.Model. Received: {name}={network!r} "
            f"of type {type(network).__name__}. Build one with e.g. "
            f"`networks.mlp_{name}(...)`."
        )


def input_shape_of(name: str, network: keras.Model) -> Shape:
    """Returns the shape of one input of a built network, no batch axis.

    Raises:
        ValueError: if the network is not built, or takes several inputs,
            or one whose shape is not fixed.
    """
    shape = recorded_input_shape(network)
    require(
        not shape or _is_shape(shape),
        f"`{name}` must have one input. Received: {name}.input_shape="
        f"{shape!r}. Networks that take a condition too make a "
        "`ConditionalVAE`.",
    )
    require(
        bool(shape),
        f"`{name}` must be built, with one input of a known shape. Received: "
        f"a {type(network).__name__} without one. Build it first, e.g. "
        f"`{name}.build((None, 28, 28, 1))`, or begin it with `keras.Input`.",
    )
    return fixed_shape(name, shape)


def fixed_shape(name: str, shape: Any) -> Shape:
    """Returns an input's shape without its batch axis.

    Raises:
        ValueError: if another axis is not fixed.
    """
    shape = tuple(shape)[1:]
    require(
        bool(shape) and all(isinstance(size, int) for size in shape),
        f"`{name}` must have an input whose shape is fixed but for the batch "
        f"axis. Received: {name}.input_shape={(None, *shape)}. Give "
        "`keras.Input` every size.",
    )
    return shape


def recorded_input_shape(network: keras.Model) -> Any:
    """Returns the shape, or shapes, that a network was built for, or None."""
    try:
        return network.input_shape
    except AttributeError:
        return (network.get_build_config() or {}).get("input_shape")


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, (tuple, list)) and all(
        size is None or isinstance(size, int) for size in shape
    )


def symbolic(shape: Shape) -> keras.KerasTensor:
    """Returns what stands for a batch of tensors of a shape."""
    return keras.KerasTensor((None, *shape), dtype="float32")


def output_shape_of(name: str, network: keras.Model, inputs: Any) -> Shape:
    """Returns the shape of a network's features with the batch axis.

    Args:
        name: What the network is.
        network: Built model.
        inputs: The symbolic tensors that it is called with.

    Raises:
        ValueError: if the network gives anything but one tensor of a fixed
            shape, or cannot take `inputs`.
    """
    outputs = network.compute_output_spec(inputs)
    single = isinstance(outputs, keras.KerasTensor)
    shape = tuple(outputs.shape) if single else ()
    fixed = len(shape) > 1 and all(isinstance(s, int) for s in shape[1:])
    require(
        fixed,
        f"`{name}` must give one tensor of features with a shape that is "
        f"fixed but for the batch axis. Received: {shape or outputs!r}. "
        "End it with e.g. `keras.layers.Flatten()` and one output.",
    )
    return (None, *shape[1:])


def check_built_for(
    name: str, part: keras.layers.Layer, *shapes: Shape
) -> None:
    """Raises unless a part was built for the shapes that it will be given.

    A part may come from another VAE, weights and all, where the two agree.

    Args:
        name: What the part is.
        part: Built layer.
        *shapes: The shapes that `build` takes for this VAE.

    Raises:
        ValueError: with both shapes.
    """
    recorded = part.get_build_config() or {}
    one = {k: v for k, v in recorded.items() if k == "input_shape"}
    recorded = recorded.get("shapes_dict", one)
    built_for = [tuple(shape) for shape in recorded.values()]
    require(
        not built_for or built_for == [tuple(shape) for shape in shapes],
        f"`{name}` was built for another VAE, and cannot be given "
        f"{', '.join(map(str, shapes))}. Received: a {type(part).__name__} "
        f"built for {', '.join(map(str, built_for))}. Make one for this VAE, "
        f"e.g. `{type(part).__name__}.from_config({name}.get_config())`.",
    )


def check_latent_dims(decoder_shape: Shape, latent_dim: int) -> None:
    """Raises unless the decoder takes what the posterior gives."""
    require(
        decoder_shape == (latent_dim,),
        f"`decoder` must take latents of shape (batch, {latent_dim}), the "
        f"posterior's `latent_dim`. Received: decoder.input_shape="
        f"{(None, *decoder_shape)}. Build it with e.g. "
        f"`networks.mlp_decoder(latent_dim={latent_dim})`.",
    )
