"""A client's requests over gRPC."""

import json
import re
from typing import Any

import grpc
from google.protobuf import json_format

from keras_vae_serving.client import failures
from keras_vae_serving.client.options import Options
from keras_vae_serving.client.steps import Predict, Request
from keras_vae_serving.rpc import messages, tensors
from keras_vae_serving.servable import Outputs
from keras_vae_serving.status import Code, ServingError

_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
_STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
_RESPONSES = {
    _PREDICT: messages.PredictResponse,
    _METADATA: messages.GetModelMetadataResponse,
    _STATUS: messages.GetModelStatusResponse,
}
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.primary_user_agent", "keras-vae"),
    # A server that comes back is found soon; by default gRPC waits longer
    # from time to time, up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]
# gRPC says UNAVAILABLE for what a server answers, and for what becomes of a
# connection; its words alone tell them apart.
_NOT_SENT = re.compile(r"failed to connect|errors resolving|DNS resolution")
_BROKEN = re.compile(
    r"Stream removed|[Ss]ocket closed|recvmsg|reset by peer|Broken pipe|"
    r"GOAWAY|[Kk]eepalive|ping timeout|[Tt]ransport closed|"
    r"Connection timed out|Endpoint clos|Cancelling all calls"
)
_LATE = "Deadline Exceeded"  # gRPC's own words


class _Messages:
    """What both transports send, and how they read the answers."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def options_for(self, request: Request) -> dict[str, Any]:
        """Returns what a call is made with."""
        return {
            "timeout": self._options.seconds_for(request),
            "metadata": list(self._options.headers.items()),
        }

    def write(self, request: Request) -> tuple[str, Any]:
        """Returns the path of a method, and its message."""
        if not isinstance(request, Predict):
            if request.what == "/metadata":
                described = messages.GetModelMetadataRequest()
                described.metadata_field.append("signature_def")
                return _METADATA, self._specified(described)
            return _STATUS, self._specified(messages.GetModelStatusRequest())
        message = messages.PredictRequest()
        message.model_spec.signature_name = request.signature
        for name, value in request.inputs.items():
            message.inputs[name].CopyFrom(tensors.to_proto(value))
        return _PREDICT, self._specified(message)

    def read(self, request: Request, response: Any) -> Any:
        """Returns what a request was answered with."""
        if isinstance(request, Predict):
            return _outputs(response)
        return _json(response)

    def failure(self, request: Request, error: Any) -> ServingError:
        """Returns what the user is told of a call that failed."""
        code, text = Code(error.code().value[0]), error.details() or ""
        if code == Code.DEADLINE_EXCEEDED and text == _LATE:
            return failures.late(self._options.seconds_for(request))
        if code == Code.UNAVAILABLE and _NOT_SENT.match(text):
            return failures.unreachable(text)
        if code == Code.UNAVAILABLE and _BROKEN.search(text):
            return failures.lost(text)
        return ServingError(code, text or code.name)

    def credentials(self) -> grpc.ChannelCredentials | None:
        """Returns whom to trust; `None` without encryption."""
        if not self._options.target.is_encrypted:
            return None
        pem = self._options.authorities
        return grpc.ssl_channel_credentials(pem.encode() if pem else None)

    @property
    def address(self) -> str:
        """Where the server is."""
        return self._options.target.address

    def _specified(self, message: Any) -> Any:
        target, spec = self._options.target, message.model_spec
        spec.name = target.model
        if target.version is not None:
            spec.version.value = target.version
        if target.label is not None:
            spec.version_label = target.label
        return message


def _outputs(response: Any) -> Outputs:
    try:
        arrays = {k: tensors.to_array(v) for k, v in response.outputs.items()}
    except ValueError as error:
        raise failures.malformed(f"an output cannot be read: {error}") from None
    # What is read from bytes is read-only.
    return {k: v if v.flags.writeable else v.copy() for k, v in arrays.items()}


def _json(message: Any) -> Any:
    """Returns a message as REST answers it."""
    text = json_format.MessageToJson(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        descriptor_pool=messages.POOL,
    )
    content = json.loads(text)
    if "metadata" in content:
        # `Any` and `Int64Value` are plain values in REST's JSON.
        content["metadata"]["signature_def"].pop("@type")
        version = content["model_spec"].get("version")
        if isinstance(version, dict):
            content["model_spec"]["version"] = version["value"]
    return content


def _methods(channel: Any) -> dict[str, Any]:
    return {
        path: channel.unary_unary(
            path,
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=response.FromString,
        )
        for path, response in _RESPONSES.items()
    }


class GrpcTransport:
    """Speaks gRPC and blocks until it is answered."""

    def __init__(self, options: Options) -> None:
        self._messages = _Messages(options)
        self._channel = _channel(grpc, self._messages)
        self._methods = _methods(self._channel)

    def send(self, request: Request) -> Any:
        """Returns what a request is answered with."""
        path, message = self._messages.write(request)
        try:
            response = self._methods[path](
                message, **self._messages.options_for(request)
            )
        except grpc.RpcError as error:
            raise self._messages.failure(request, error) from error
        return self._messages.read(request, response)

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()


class AsyncGrpcTransport:
    """Speaks gRPC on the event loop that it is first used on."""

    def __init__(self, options: Options) -> None:
        self._messages = _Messages(options)
        self._channel: Any = None
        self._methods: dict[str, Any] = {}

    async def send(self, request: Request) -> Any:
        """Returns what a request is answered with."""
        if self._channel is None:  # A channel belongs to the loop it begins on.
            self._channel = _channel(grpc.aio, self._messages)
            self._methods = _methods(self._channel)
        path, message = self._messages.write(request)
        try:
            response = await self._methods[path](
                message, **self._messages.options_for(request)
            )
        except grpc.RpcError as error:
            raise self._messages.failure(request, error) from error
        return self._messages.read(request, response)

    async def close(self) -> None:
        """Closes the channel."""
        if self._channel is not None:
            await self._channel.close()


def _channel(module: Any, described: _Messages) -> Any:
    """Returns a channel of `grpc`, or of `grpc.aio`."""
    credentials, address = described.credentials(), described.address
    if credentials is None:
        return module.insecure_channel(address, _OPTIONS)
    return module.secure_channel(address, credentials, _OPTIONS)
