"""Which model a request means."""

from typing import Any

from keras_vae_serving.model_server import ModelSpec
from keras_vae_serving.status import invalid


def required(request: Any) -> Any:
    """Returns a request's `model_spec`.

    Raises:
        ServingError: INVALID_ARGUMENT if it has none.
    """
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    return request.model_spec


def read(spec: Any) -> ModelSpec:
    """Turns a `tensorflow.serving.ModelSpec` into what `acquire` takes.

    Raises:
        ServingError: INVALID_ARGUMENT if no model is named.
    """
    if not spec.name:
        raise invalid("ModelSpec has no name specified.")
    choice = spec.WhichOneof("version_choice")
    if choice == "version":
        return ModelSpec(spec.name, version=spec.version.value)
    if choice == "version_label":
        return ModelSpec(spec.name, label=spec.version_label)
    return ModelSpec(spec.name)
