"""GetModelMetadata: a model's signatures."""

from typing import Any

from keras_vae_serving import dtypes, metadata
from keras_vae_serving.model_server import ModelServer
from keras_vae_serving.rpc import model_spec
from keras_vae_serving.rpc.messages import (
    GetModelMetadataResponse,
    SignatureDefMap,
)
from keras_vae_serving.servable import Servable
from keras_vae_serving.status import invalid

_FIELD = "signature_def"


def answer(server: ModelServer, request: Any) -> Any:
    """Returns the response to a `GetModelMetadataRequest`.

    Raises:
        ServingError: if the request cannot be answered.
    """
    sent = model_spec.required(request)
    if not request.metadata_field:
        raise invalid(
            "GetModelMetadataRequest must specify at least one metadata_field"
        )
    for field in request.metadata_field:
        if field != _FIELD:
            raise invalid(f"Metadata field {field} is not supported")
    with server.acquire(model_spec.read(sent)) as servable:
        response = GetModelMetadataResponse()
        response.model_spec.name = servable.name
        response.model_spec.version.value = servable.version
        response.metadata[_FIELD].Pack(_signature_def_map(servable))
        return response


def _signature_def_map(servable: Servable) -> Any:
    described = metadata.signature_def_map(servable.signatures)
    message = SignatureDefMap()
    for name, signature in described[_FIELD].items():
        to = message.signature_def[name]
        to.method_name = signature["method_name"]
        for side in ("inputs", "outputs"):
            for alias, tensor in signature[side].items():
                _fill_tensor(getattr(to, side)[alias], tensor)
    return message


def _fill_tensor(info: Any, described: dict[str, Any]) -> None:
    info.name = described["name"]
    info.dtype = dtypes.BY_NAME[described["dtype"]].number
    shape = described["tensor_shape"]
    info.tensor_shape.SetInParent()
    info.tensor_shape.unknown_rank = shape["unknown_rank"]
    for dim in shape["dim"]:
        info.tensor_shape.dim.add(size=int(dim["size"]))
