"""The `config.json` of a `.keras` file: the classes that it names."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import keras

from keras_vae.validation import require

REGISTER = (
    "decorate their classes with "
    "`@keras.saving.register_keras_serializable()`, and name the modules that "
    'define them: `imports=("my.module",)`, or `--import my.module` on the '
    "command line."
)
# Layers that hold code, or lead to a file that does.
_REFUSED = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "__lambda__")
# Where Keras has functions of tensors alone; others write files or settings.
_FUNCTIONS = (
    "activations",
    "constraints",
    "initializers",
    "losses",
    "metrics",
    "ops",
    "random",
    "regularizers",
)
# Keras imports these for the name in a file.
_IMPORTED_BY_KERAS = ("keras_hub", "keras_cv", "keras_nlp")


def check(content: bytes, *, compiled: bool) -> None:
    """Raises unless the classes and functions are Keras's or registered.

    Args:
        content: The file's content.
        compiled: Whether what the model was compiled with counts too.

    Raises:
        ValueError: if one is not, or it is no JSON object.
    """
    try:
        config = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            "The config.json of a `.keras` file must be JSON. Received: text "
            f"that cannot be read ({error}). Take a file that `model.save` "
            "wrote."
        ) from error
    if isinstance(config, dict) and not compiled:
        config.pop("compile_config", None)
    for one in _objects(config):
        _check_object(one)


def _objects(config: Any) -> Iterator[dict[str, Any]]:
    """Yields the objects that Keras would make from a config."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("class_name"), str) and "config" in value:
                yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _check_object(config: dict[str, Any]) -> None:
    name, module = config["class_name"], config.get("module")
    key = config.get("registered_name", name)
    kind = "class"
    if name == "function":
        kind, name = "function", config["config"]
        key = name
    if isinstance(key, str) and keras.saving.get_registered_object(key):
        return
    require(
        name not in _REFUSED,
        "A model must be made of layers that hold no code. Received: a "
        f"{name}. Replace it by a layer of a class of your own: a subclass "
        "of keras.layers.Layer that is registered.",
    )
    require(
        module is None or _is_known(kind, str(module)),
        "The classes and functions that a model is made of must be Keras's "
        "own, or registered by an import. Received: the "
        f"{kind} {name!r} of the module {module!r}. For parts of your own, "
        f"{REGISTER}",
    )


def _is_known(kind: str, module: str) -> bool:
    """Whether Keras may look a class or function up in a module."""
    package, _, rest = module.partition(".")
    if package == "keras":
        is_maths = rest.partition(".")[0] in _FUNCTIONS
        return is_maths if kind == "function" else True
    if package in _IMPORTED_BY_KERAS:
        return package in sys.modules
    return kind == "function" and module == "builtins"
