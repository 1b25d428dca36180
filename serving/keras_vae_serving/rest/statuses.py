"""The answers about a model itself: its status and its metadata."""

import orjson

from keras_vae_serving.metadata import model_metadata
from keras_vae_serving.model_server import ModelServer, ModelSpec
from keras_vae_serving.servable import Servable


def status_body(models: ModelServer, spec: ModelSpec) -> bytes:
    """Returns how the versions of a model are doing; a label is ignored.

    Raises:
        ServingError: NOT_FOUND if there is no such model or version.
    """
    statuses = [
        {
            # Protocol buffers write 64-bit integers as strings.
            "version": str(one.version),
            "state": one.state.name,
            "status": {
                "error_code": one.code.name,
                "error_message": _valid(one.message),
            },
        }
        for one in models.statuses(spec.name, spec.version)
    ]
    return _pretty({"model_version_status": statuses})


def metadata_body(servable: Servable) -> bytes:
    """Returns the signatures of a version."""
    return _pretty(model_metadata(servable))


def _pretty(value: dict) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2)


def _valid(text: str) -> str:
    """Returns text without what is no character, e.g. of a file's name."""
    return text.encode("utf-8", "replace").decode()
