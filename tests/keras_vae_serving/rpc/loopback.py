"""A gRPC server on 127.0.0.1, in a thread of its own, and its client."""

import asyncio
import threading

import grpc

from keras_vae_serving.rpc import messages
from keras_vae_serving.rpc.health import Health
from keras_vae_serving.rpc.server import create_server
from tests.keras_vae_serving.echo import EchoServer

PREDICT = "/tensorflow.serving.PredictionService/Predict"
METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
RELOAD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
CHECK = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"

RESPONSES = {
    PREDICT: messages.PredictResponse,
    METADATA: messages.GetModelMetadataResponse,
    STATUS: messages.GetModelStatusResponse,
    RELOAD: messages.ReloadConfigResponse,
    CHECK: messages.HealthCheckResponse,
}
TIMEOUT_S = 20


class Loopback:
    """Serves as long as the block runs; `model_server` is an EchoServer."""

    def __init__(self, model_server=None, **options):
        self.model_server = model_server or EchoServer()
        self.health = Health()
        self._options = options
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self):
        self._thread.start()
        self.address = f"127.0.0.1:{self.run(self._start())}"
        self._channel = grpc.insecure_channel(
            self.address, [("grpc.max_send_message_length", -1)]
        )
        return self

    def __exit__(self, *_):
        self._channel.close()
        self.run(self.server.stop(0))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(TIMEOUT_S)
        self._loop.close()

    async def _start(self):
        self.server = create_server(
            self.model_server, self.health, **self._options
        )
        port = self.server.add_insecure_port("127.0.0.1:0")
        await self.server.start()
        return port

    def run(self, coroutine):
        """Runs a coroutine on the server's loop."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return future.result(TIMEOUT_S)

    def send(self, path, data, **options):
        """Returns the bytes that bytes are answered with."""
        options.setdefault("timeout", TIMEOUT_S)
        return self._channel.unary_unary(path)(data, **options)

    def call(self, path, request, **options):
        """Returns the response to a request."""
        data = self.send(path, request.SerializeToString(), **options)
        return RESPONSES[path].FromString(data)

    def error(self, path, request, **options):
        """Returns the code's name and the text that a request fails with."""
        try:
            answer = self.call(path, request, **options)
        except grpc.RpcError as error:
            return error.code().name, error.details()
        raise AssertionError(f"It was answered: {answer}")

    def watch(self, service=""):
        """Returns the call of Health's Watch."""
        request = messages.HealthCheckRequest(service=service)
        return self._channel.unary_stream(
            WATCH, response_deserializer=RESPONSES[CHECK].FromString
        )(request.SerializeToString(), timeout=TIMEOUT_S)
