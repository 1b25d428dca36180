"""The messages of TensorFlow Serving's API and of gRPC's health check.

They are defined by the files in `protos`, and live in a descriptor pool of
their own: so TensorFlow, tensorflow-serving-api and grpcio-health-checking,
which define messages of the same names, are neither needed nor disturbed.
"""

import pathlib
from typing import Any

from google.protobuf import descriptor_pool, message_factory

from keras_vae_serving.rpc import proto_text

DIRECTORY = pathlib.Path(__file__).parent / "protos"


def _load() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    added: set[str] = set()

    def add(name: str) -> None:
        if name in added:
            return
        added.add(name)
        path = DIRECTORY / name
        file = proto_text.parse(name, path.read_text(encoding="utf-8"))
        for dependency in file.dependency:
            add(dependency)
        pool.AddSerializedFile(file.SerializeToString())

    for path in sorted(DIRECTORY.glob("*.proto")):
        add(path.name)
    return pool


POOL = _load()


def message_class(name: str) -> Any:
    """Returns the class of a message, by its full name.

    Raises:
        KeyError: if no message is called so.
    """
    found = POOL.FindMessageTypeByName(name)
    return message_factory.GetMessageClass(found)


TensorProto = message_class("tensorflow.TensorProto")
SignatureDef = message_class("tensorflow.SignatureDef")
ModelSpec = message_class("tensorflow.serving.ModelSpec")
PredictRequest = message_class("tensorflow.serving.PredictRequest")
PredictResponse = message_class("tensorflow.serving.PredictResponse")
SignatureDefMap = message_class("tensorflow.serving.SignatureDefMap")
GetModelMetadataRequest = message_class(
    "tensorflow.serving.GetModelMetadataRequest"
)
GetModelMetadataResponse = message_class(
    "tensorflow.serving.GetModelMetadataResponse"
)
GetModelStatusRequest = message_class(
    "tensorflow.serving.GetModelStatusRequest"
)
GetModelStatusResponse = message_class(
    "tensorflow.serving.GetModelStatusResponse"
)
ModelServerConfig = message_class("tensorflow.serving.ModelServerConfig")
ReloadConfigRequest = message_class("tensorflow.serving.ReloadConfigRequest")
ReloadConfigResponse = message_class("tensorflow.serving.ReloadConfigResponse")
HealthCheckRequest = message_class("grpc.health.v1.HealthCheckRequest")
HealthCheckResponse = message_class("grpc.health.v1.HealthCheckResponse")

_DATA_TYPE = POOL.FindEnumTypeByName("tensorflow.DataType")


def data_type_word(number: int) -> str | None:
    """Returns TensorFlow's word for a data type; `None` for no such type."""
    value = _DATA_TYPE.values_by_number.get(number)
    if value is None or number == 0:
        return None
    return value.name.removeprefix("DT_").lower()
