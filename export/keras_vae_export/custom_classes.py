"""The modules that define the classes of a model in memory."""

from collections.abc import Iterator
from typing import Any

import keras

from keras_vae_export.errors import ExportError

_KNOWN = ("keras", "keras_vae")


def modules_of(vae: keras.Model) -> tuple[str, ...]:
    """Returns the modules another process must import to load a VAE.

    They are those of the registered classes and functions in its config that
    belong neither to Keras nor to keras_vae, read from the live objects.

    Raises:
        ExportError: if one is defined in `__main__`, which no other process
            can import.
    """
    found: dict[str, str] = {}
    for name in _registered_names(keras.saving.serialize_keras_object(vae)):
        live = keras.saving.get_registered_object(name)
        module = getattr(live, "__module__", None)
        if module and module.partition(".")[0] not in _KNOWN:
            found.setdefault(module, name)
    if "__main__" in found:
        raise ExportError(
            f"`{found['__main__']}` is defined in `__main__`, which the "
            "TensorFlow process that writes the export cannot import. Move "
            "it to a module of its own, e.g. `layers.py`, and import it from "
            "there; or train with KERAS_BACKEND=tensorflow."
        )
    return tuple(sorted(found))


def _registered_names(config: Any) -> Iterator[str]:
    if isinstance(config, dict):
        for key in ("registered_name", "class_name"):
            if isinstance(config.get(key), str):
                yield config[key]
        if config.get("class_name") == "function":
            yield str(config.get("config"))
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for value in config:
            yield from _registered_names(value)
