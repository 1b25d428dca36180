"""Everything is exported in float32, whatever it was trained in."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

_OTHER_FLOATS = (
    "mixed_float16",
    "mixed_bfloat16",
    "float16",
    "bfloat16",
    "float64",
)


@contextlib.contextmanager
def float32_policy() -> Iterator[None]:
    """Makes float32 Keras's global policy for the length of a block."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


def is_float32(vae: Any) -> bool:
    """Whether all that decodes latents computes in float32."""
    parts = (vae.decoder, vae.likelihood)
    layers = [layer for part in parts for layer in part._flatten_layers()]
    return all(layer.compute_dtype == "float32" for layer in layers)


def as_float32(vae: Any) -> Any:
    """Returns a VAE of the same weights that computes in float32.

    Returns:
        `vae` itself where its config asks for nothing else.
    """
    config = vae.get_config()
    float32_config = _in_float32(config)
    if float32_config == config:
        return vae
    with float32_policy():
        copy = type(vae).from_config(float32_config)
    copy.set_weights(vae.get_weights())
    return copy


def _in_float32(config: Any) -> Any:
    """Returns a config with float32 in place of other float policies."""
    if isinstance(config, (list, tuple)):
        return type(config)(_in_float32(value) for value in config)
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy":
        name = config["config"]["name"]
        other = name in _OTHER_FLOATS
        return {**config, "config": {"name": "float32" if other else name}}
    return {
        key: "float32"
        if key == "dtype" and value in _OTHER_FLOATS
        else _in_float32(value)
        for key, value in config.items()
    }
