"""The limits of the server, and what stands before the services."""

import asyncio
import threading

import grpc
import pytest

from keras_vae_serving.rpc import calls, messages, predict
from keras_vae_serving.rpc.health import Health
from keras_vae_serving.rpc.server import create_server
from tests.keras_vae_serving.echo import EchoServer
from tests.keras_vae_serving.rpc import requests
from tests.keras_vae_serving.rpc.loopback import (
    CHECK,
    PREDICT,
    TIMEOUT_S,
    Loopback,
)

pytestmark = pytest.mark.once

MIB = 2**20
GZIP = grpc.Compression.Gzip


@pytest.fixture(scope="module")
def small():
    with Loopback(max_message_bytes=MIB) as started:
        yield started


def test_a_message_that_is_too_large(small):
    with pytest.raises(grpc.RpcError, match="larger than max") as caught:
        small.send(PREDICT, bytes(MIB + 1))
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert small.call(PREDICT, requests.predict(x=[1])).outputs


def test_a_message_that_unpacks_to_too_much(small):
    with pytest.raises(grpc.RpcError, match="larger than max") as caught:
        small.send(PREDICT, bytes(64 * MIB), compression=GZIP)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    request = requests.predict(x=[1] * 1000)
    assert small.call(PREDICT, request, compression=GZIP).outputs


def test_a_declared_shape_that_is_too_large(small):
    bomb = messages.TensorProto(dtype=1, float_val=[1])
    bomb.tensor_shape.dim.add(size=MIB)
    assert small.error(PREDICT, requests.predict(x=bomb)) == (
        "INVALID_ARGUMENT",
        "tensor parsing error: x: its shape [1048576] takes more than "
        "1048576 bytes",
    )


def test_an_answer_may_be_larger_than_a_request(small):
    request = requests.predict(
        "scalar_in", k=requests.tensor(10 * MIB, "int32"), t=0.5
    )
    channel = grpc.insecure_channel(
        small.address, [("grpc.max_receive_message_length", -1)]
    )
    data = channel.unary_unary(PREDICT)(
        request.SerializeToString(), timeout=TIMEOUT_S
    )
    assert len(data) > 40 * MIB
    channel.close()


class Held(EchoServer):
    def __init__(self):
        super().__init__()
        self.entered = threading.Event()
        self.released = asyncio.Event()

    async def predict(self, servable, signature, inputs, deadline=None):
        self.entered.set()
        await self.released.wait()
        return await super().predict(servable, signature, inputs)


class NeedsKey(grpc.aio.ServerInterceptor):
    async def intercept_service(self, continuation, details):
        if ("x-api-key", "sesame") in tuple(details.invocation_metadata):
            return await continuation(details)

        async def refuse(data, context):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "no key")

        return grpc.unary_unary_rpc_method_handler(refuse)


def test_an_interceptor_comes_first():
    with Loopback(interceptors=[NeedsKey()]) as loopback:
        request = requests.predict(x=[1])
        refused = ("UNAUTHENTICATED", "no key")
        assert loopback.error(PREDICT, request) == refused
        metadata = (("x-api-key", "sesame"),)
        assert loopback.call(PREDICT, request, metadata=metadata).outputs


def test_headers_that_are_too_large(small):
    metadata = (("x-much", "y" * 100_000),)
    request = messages.HealthCheckRequest()
    code, _ = small.error(CHECK, request, metadata=metadata)
    assert code == "RESOURCE_EXHAUSTED"
    assert small.call(CHECK, request).status == 1


@pytest.mark.parametrize(
    "path",
    [
        "/tensorflow.serving.PredictionService/Nothing",
        "/tensorflow.serving.SessionService/SessionRun",
        "/nothing",
    ],
)
def test_unknown_methods(small, path):
    with pytest.raises(grpc.RpcError) as caught:
        small.send(path, b"")
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_port_that_is_taken():
    async def bind_twice():
        servers = [create_server(EchoServer(), Health()) for _ in range(2)]
        port = servers[0].add_insecure_port("127.0.0.1:0")
        try:
            with pytest.raises(RuntimeError, match="[Bb]ind"):
                servers[1].add_insecure_port(f"127.0.0.1:{port}")
        finally:
            for server in servers:
                await server.stop(0)

    asyncio.run(bind_twice())


def test_a_stop_waits_for_calls_that_are_answered():
    with Loopback(Held()) as loopback:
        channel = grpc.insecure_channel(loopback.address)
        watch = loopback.watch()
        assert next(watch).status == 1
        data = requests.predict(x=[1]).SerializeToString()
        first = channel.unary_unary(PREDICT).future(data, timeout=TIMEOUT_S)
        assert loopback.model_server.entered.wait(TIMEOUT_S)
        loopback.run(stop_and_release(loopback))
        answered = messages.PredictResponse.FromString(first.result(TIMEOUT_S))
        assert answered.outputs["y"].float_val[:] == [2.5]
        assert [one.status for one in watch] == [2]
        code, _ = loopback.error(PREDICT, requests.predict(x=[1]))
        assert code == "UNAVAILABLE"
        channel.close()


async def stop_and_release(loopback):
    loopback.health.stop()
    stopping = asyncio.ensure_future(loopback.server.stop(TIMEOUT_S))
    await asyncio.sleep(0.05)
    assert not stopping.done()
    loopback.model_server.released.set()
    await asyncio.wait_for(stopping, TIMEOUT_S / 2)


class Noting(EchoServer):
    """Notes which threads read and wrote what it was asked."""

    def __init__(self):
        super().__init__()
        self.loop_thread = None

    async def predict(self, servable, signature, inputs, deadline=None):
        self.loop_thread = threading.current_thread()
        return await super().predict(servable, signature, inputs)


@pytest.mark.parametrize(("count", "is_beside"), [(10, False), (20_000, True)])
def test_large_messages_are_worked_on_beside_the_loop(
    monkeypatch, count, is_beside
):
    threads = set()
    for module, name in (
        (calls, "parse"),
        (predict, "_read_inputs"),
        (predict, "_response"),
    ):
        function = getattr(module, name)

        def noted(*arguments, function=function):
            threads.add(threading.current_thread())
            return function(*arguments)

        monkeypatch.setattr(module, name, noted)
    with Loopback(Noting()) as loopback:
        answer = loopback.call(PREDICT, requests.predict(x=range(count)))
    assert len(answer.outputs["y"].float_val) == count
    assert (loopback.model_server.loop_thread in threads) is not is_beside
