"""Deadlines, clients that go away, and errors."""

import asyncio
import contextlib
import threading
import time

import grpc
import pytest

from keras_vae_serving.rpc import calls
from keras_vae_serving.status import Code, ServingError
from tests.keras_vae_serving.echo import EchoServer
from tests.keras_vae_serving.rpc import requests
from tests.keras_vae_serving.rpc.loopback import (
    PREDICT,
    RELOAD,
    TIMEOUT_S,
    Loopback,
)

pytestmark = pytest.mark.once


class Slow(EchoServer):
    """Never answers; tells who waits, and until when."""

    def __init__(self):
        super().__init__()
        self.held = 0
        self.deadline = None
        self.entered = threading.Event()
        self.left = threading.Event()

    @contextlib.contextmanager
    def acquire(self, spec):
        with super().acquire(spec) as servable:
            self.held += 1
            try:
                yield servable
            finally:
                self.held -= 1
                self.left.set()

    async def predict(self, servable, signature, inputs, deadline=None):
        self.deadline = deadline
        self.entered.set()
        await asyncio.Event().wait()


@pytest.fixture
def slow():
    with Loopback(Slow()) as started:
        yield started


def test_a_call_that_is_cancelled_frees_its_slot(slow):
    channel = grpc.insecure_channel(slow.address)
    data = requests.predict(x=[1]).SerializeToString()
    waiting = channel.unary_unary(PREDICT).future(data, timeout=TIMEOUT_S)
    assert slow.model_server.entered.wait(TIMEOUT_S)
    assert slow.model_server.held == 1
    waiting.cancel()
    assert slow.model_server.left.wait(TIMEOUT_S)
    assert slow.model_server.held == 0
    channel.close()


def test_a_client_that_goes_away_frees_its_slot(slow):
    channel = grpc.insecure_channel(slow.address)
    data = requests.predict(x=[1]).SerializeToString()
    # A call that nobody holds is cancelled.
    waiting = channel.unary_unary(PREDICT).future(data)
    assert slow.model_server.entered.wait(TIMEOUT_S)
    channel.close()
    assert slow.model_server.left.wait(TIMEOUT_S)
    assert slow.model_server.held == 0
    assert waiting.done()


def test_deadline_of_the_client(slow):
    before = time.monotonic()
    code, _ = slow.error(PREDICT, requests.predict(x=[1]), timeout=0.5)
    assert code == "DEADLINE_EXCEEDED"
    assert slow.model_server.deadline == pytest.approx(before + 0.5, abs=0.4)
    assert slow.model_server.left.wait(TIMEOUT_S)
    assert slow.model_server.held == 0


class Late(EchoServer):
    """Says at once that there is no time."""

    async def predict(self, servable, signature, inputs, deadline=None):
        self.deadline = deadline
        raise ServingError(Code.DEADLINE_EXCEEDED, "too late")


@pytest.mark.parametrize(
    "client, server, expected",
    [(None, None, None), (None, 7, 7), (30, 7, 7), (5, 7, 5), (9, None, 9)],
)
def test_the_sooner_deadline_holds(client, server, expected):
    with Loopback(Late(), timeout_s=server) as loopback:
        before = time.monotonic()
        error = loopback.error(PREDICT, requests.predict(x=[1]), timeout=client)
        assert error == ("DEADLINE_EXCEEDED", "too late")
        deadline = loopback.model_server.deadline
        if expected is None:
            assert deadline is None
        else:
            assert deadline == pytest.approx(before + expected, abs=0.9)


class Broken(EchoServer):
    def __init__(self, error):
        super().__init__()
        self.error = error

    async def predict(self, servable, signature, inputs, deadline=None):
        raise self.error

    def reload(self, configs, seconds=None):
        raise self.error


@pytest.mark.parametrize("code", [code for code in Code if code != Code.OK])
def test_every_code(code):
    with Loopback(Broken(ServingError(code, f"It is {code.name}."))) as broken:
        expected = (code.name, f"It is {code.name}.")
        assert broken.error(PREDICT, requests.predict(x=[1])) == expected
        assert broken.error(RELOAD, requests.reload()) == expected


def test_a_mistake_of_the_server_is_logged_and_not_told(caplog):
    with Loopback(Broken(RuntimeError("secret"))) as broken:
        error = broken.error(PREDICT, requests.predict(x=[1]))
    assert error == ("INTERNAL", "Internal error; the server's log says more.")
    assert "RuntimeError: secret" in caplog.text


class Odd(EchoServer):
    """Answers values of another type than it says."""

    async def predict(self, servable, signature, inputs, deadline=None):
        return {"y": inputs["x"].astype("float64")}


def test_outputs_of_another_type_are_a_mistake(caplog):
    with Loopback(Odd()) as odd:
        code, _ = odd.error(PREDICT, requests.predict(x=[1]))
    assert code == "INTERNAL"
    assert "must be of dtype float32 to be sent as DT_FLOAT" in caplog.text


@pytest.mark.parametrize("character", ["x", "é", "\n", "'"])
def test_long_messages_are_cut(loopback, character):
    request = requests.predict(x=[1], model=character * 5000)
    code, text = loopback.error(PREDICT, request)
    assert code == "NOT_FOUND"
    begin = "Servable not found for request: Latest("
    assert text.startswith(begin + character)
    assert text.endswith("...TRUNCATED")
    kept = text.removesuffix("...TRUNCATED").encode()
    assert calls.MAX_ERROR_BYTES - 2 < len(kept) <= calls.MAX_ERROR_BYTES


def test_bytes_that_are_no_message(loopback):
    with pytest.raises(grpc.RpcError) as caught:
        loopback.send(PREDICT, b"\xff\xff")
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == (
        "The request is not a valid tensorflow.serving.PredictRequest message"
    )


@pytest.mark.parametrize("method", ["Classify", "Regress", "MultiInference"])
def test_methods_that_are_not_offered(loopback, method):
    path = f"/tensorflow.serving.PredictionService/{method}"
    with pytest.raises(grpc.RpcError, match=f"{method} is not") as caught:
        loopback.send(path, b"\xff")
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "Use Predict" in caught.value.details()
