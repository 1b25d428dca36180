"""GetModelStatus: how a model's versions are doing."""

from typing import Any

from keras_vae_serving.model_server import ModelServer
from keras_vae_serving.rpc import model_spec
from keras_vae_serving.rpc.messages import GetModelStatusResponse


def answer(server: ModelServer, request: Any) -> Any:
    """Returns the response to a `GetModelStatusRequest`.

    A label is ignored, as by TensorFlow Serving: all versions are told.

    Raises:
        ServingError: if there is no such model or version.
    """
    spec = model_spec.required(request)
    has_version = spec.WhichOneof("version_choice") == "version"
    version = spec.version.value if has_version else None
    response = GetModelStatusResponse()
    for found in server.statuses(spec.name, version):
        status = response.model_version_status.add()
        status.version = found.version
        status.state = int(found.state)
        # It is set even where it says nothing but OK.
        status.status.SetInParent()
        status.status.error_code = int(found.code)
        status.status.error_message = found.message
    return response
