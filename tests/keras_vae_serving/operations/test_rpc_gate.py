"""The gate before gRPC's services, over a real connection."""

import asyncio
import json
import logging
import threading
import time

import grpc
import pytest

from keras_vae_serving.operations import access_log
from keras_vae_serving.operations.admission import Admission
from keras_vae_serving.operations.keys import Keys
from keras_vae_serving.operations.metrics import Metrics
from keras_vae_serving.operations.rpc_gate import RpcGate
from keras_vae_serving.rpc import messages
from tests.keras_vae_serving.echo import EchoServer
from tests.keras_vae_serving.rpc import requests
from tests.keras_vae_serving.rpc.loopback import (
    CHECK,
    METADATA,
    PREDICT,
    STATUS,
    Loopback,
)

pytestmark = pytest.mark.once

KEY = "a-key-of-sixteen-characters"
TIMEOUT_S = 10


class Gated(Loopback):
    """A server behind a gate; `model_server.go` lets its runs go on."""

    def __init__(self, keys=(), max_requests=5, message_timeout_s=5, rate=None):
        self.metrics = Metrics()
        self.admission = None
        self._limits = (keys, rate, max_requests, message_timeout_s)
        super().__init__(Waiting())

    async def _start(self):
        keys, rate, max_requests, message_timeout_s = self._limits
        self.admission = Admission(Keys(keys, rate), max_requests)
        self._options["interceptors"] = [
            RpcGate(self.admission, self.metrics, message_timeout_s)
        ]
        self._options["max_message_bytes"] = 100_000
        return await super()._start()

    def ask(self, **options):
        request = requests.predict(x=[1.0])
        return self.call(PREDICT, request, **options).outputs["y"].float_val[0]

    def ask_in_vain(self, **options):
        return self.error(PREDICT, requests.predict(x=[1.0]), **options)

    def begin(self):
        """Begins a call that does not end by itself."""
        self.model_server.go.clear()
        data = requests.predict(x=[1.0]).SerializeToString()
        before = self.admission.in_flight
        call = self._channel.unary_unary(PREDICT).future(
            data, timeout=TIMEOUT_S
        )
        self.wait_for(lambda: self.admission.in_flight == before + 1)
        return call

    def codes(self):
        return {
            (labels["method"], labels["code"]): value
            for labels, value in self.samples("requests_total")
        }

    def samples(self, name):
        return [
            (one.labels, one.value)
            for family in self.metrics.registry.collect()
            for one in family.samples
            if one.name == f"keras_vae_serving_{name}"
        ]

    def in_flight(self):
        values = dict(
            (labels["protocol"], value)
            for labels, value in self.samples("requests_in_flight")
        )
        return values["grpc"]

    @staticmethod
    def wait_for(condition):
        end = time.monotonic() + TIMEOUT_S
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.01)


class Waiting(EchoServer):
    def __init__(self):
        super().__init__()
        self.go = threading.Event()
        self.go.set()

    async def predict(self, *arguments):
        while not self.go.is_set():
            await asyncio.sleep(0.01)
        return await super().predict(*arguments)


def test_it_lets_through_and_counts():
    with Gated() as gate:
        assert gate.ask() == 2.5
        gate.call(STATUS, requests.status("echo"))
        gate.call(METADATA, requests.metadata("signature_def"))
        gate.call(CHECK, messages.HealthCheckRequest())
        gate.wait_for(lambda: gate.admission.in_flight == 0)
        assert gate.codes() == {
            ("Predict", "OK"): 1,
            ("GetModelStatus", "OK"): 1,
            ("GetModelMetadata", "OK"): 1,
        }
        assert gate.in_flight() == 0
        ((labels, count),) = [
            one
            for one in gate.samples("request_seconds_count")
            if one[0]["method"] == "Predict"
        ]
        assert (labels["protocol"], count) == ("grpc", 1)


def test_what_the_service_refuses_is_counted_with_its_code():
    with Gated() as gate:
        wrong = requests.predict(model="nothing", x=[1.0])
        assert gate.error(PREDICT, wrong)[0] == "NOT_FOUND"
        code, _ = gate.error(PREDICT, requests.predict("nothing", x=[1.0]))
        assert code == "FAILED_PRECONDITION"
        with pytest.raises(grpc.RpcError):
            gate.send(PREDICT, b"\xff")
        gate.wait_for(lambda: len(gate.codes()) == 3)
        assert {code for _, code in gate.codes()} == {
            "NOT_FOUND",
            "FAILED_PRECONDITION",
            "INVALID_ARGUMENT",
        }
        gate.wait_for(lambda: gate.admission.in_flight == 0)


def test_methods_that_are_not_there_are_not_counted():
    with Gated() as gate:
        for number in range(20):
            with pytest.raises(grpc.RpcError) as caught:
                gate.send(f"/tensorflow.serving.{number}/Predict", b"")
            assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert gate.codes() == {}


def test_keys():
    with Gated([KEY], rate=2) as gate:
        wrong = [("x-api-key", KEY + "x")]
        for options in ({}, {"metadata": wrong}):
            code, text = gate.ask_in_vain(**options)
            assert code == "UNAUTHENTICATED"
            assert "A valid API key is needed" in text
        gate.call(CHECK, messages.HealthCheckRequest())
        right = [("authorization", f"Bearer {KEY}")]
        assert gate.ask(metadata=right) == 2.5
        assert gate.ask(metadata=[("x-api-key", KEY), ("a-bin", b"\x00")])
        code, text = gate.ask_in_vain(metadata=right)
        assert code == "RESOURCE_EXHAUSTED"
        assert "too many requests: try again in 1 s" in text
        gate.wait_for(lambda: gate.admission.in_flight == 0)


def test_who_has_no_key_need_not_send_a_message():
    """It is told at once, and what it sends is not gathered."""
    with Gated([KEY]) as gate:
        never = threading.Event()

        def nothing():
            never.wait(TIMEOUT_S)
            yield b""

        call = gate._channel.stream_unary(PREDICT)
        start = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            call(nothing(), timeout=TIMEOUT_S)
        never.set()
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
        assert time.monotonic() - start < 2


def test_a_message_that_does_not_come():
    with Gated(message_timeout_s=0.2) as gate:
        never = threading.Event()

        def nothing():
            never.wait(TIMEOUT_S)
            yield b""

        call = gate._channel.stream_unary(PREDICT)
        with pytest.raises(grpc.RpcError) as caught:
            call(nothing(), timeout=TIMEOUT_S)
        never.set()
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert "did not arrive within 0.2 s" in caught.value.details()
        gate.wait_for(lambda: gate.admission.in_flight == 0)


def test_a_call_without_a_message():
    with Gated() as gate:
        call = gate._channel.stream_unary(PREDICT)
        with pytest.raises(grpc.RpcError) as caught:
            call(iter(()), timeout=TIMEOUT_S)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert caught.value.details() == "The call has no message"
        assert gate.ask() == 2.5


def test_a_message_that_is_too_large(caplog):
    with Gated() as gate:
        with pytest.raises(grpc.RpcError) as caught:
            gate.send(PREDICT, bytes(100_001))
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        gate.wait_for(lambda: gate.admission.in_flight == 0)
        assert gate.ask() == 2.5
    assert caplog.records == []


def test_no_more_than_so_many_at_once():
    with Gated(max_requests=2) as gate:
        calls = [gate.begin() for _ in range(2)]
        assert gate.in_flight() == 2
        code, text = gate.ask_in_vain()
        assert (code, "2 requests already" in text) == ("UNAVAILABLE", True)
        gate.model_server.go.set()
        for one in calls:
            assert one.result()
        gate.wait_for(lambda: gate.admission.in_flight == 0)
        assert gate.ask() == 2.5


def test_a_server_that_starts_or_stops():
    with Gated() as gate:
        gate.admission.is_starting = True
        assert gate.ask_in_vain() == (
            "UNAVAILABLE",
            "The server is starting: its models are being loaded.",
        )
        gate.admission.is_starting = False
        call = gate.begin()
        gate.admission.is_stopping = True
        assert gate.ask_in_vain() == ("UNAVAILABLE", "The server is stopping.")
        gate.call(CHECK, messages.HealthCheckRequest())
        gate.model_server.go.set()
        assert call.result()


def test_clients_that_go_away_or_wait_no_longer():
    with Gated() as gate:
        gate.begin().cancel()
        gate.wait_for(lambda: gate.admission.in_flight == 0)
        assert gate.codes() == {("Predict", "CANCELLED"): 1}
        code, _ = gate.ask_in_vain(timeout=0.2)
        assert code == "DEADLINE_EXCEEDED"
        gate.wait_for(lambda: gate.admission.in_flight == 0)
        gate.wait_for(lambda: ("Predict", "DEADLINE_EXCEEDED") in gate.codes())
        assert gate.in_flight() == 0


def test_the_access_log_holds_no_key(caplog):
    with Gated([KEY]) as gate:
        with caplog.at_level(logging.INFO, access_log.LOGGER.name):
            gate.ask(metadata=[("x-api-key", KEY)])
            gate.ask_in_vain(metadata=[("x-api-key", KEY + "x")])
            gate.wait_for(lambda: len(caplog.records) == 2)
    lines = [json.loads(one.message) for one in caplog.records]
    assert [one["code"] for one in lines] == ["OK", "UNAUTHENTICATED"]
    assert KEY not in caplog.text
    for line in lines:
        assert line["protocol"] == "grpc"
        assert line["method"] == PREDICT
        assert line["client"].startswith("ipv4:127.0.0.1:")
        assert "grpc-python" in line["user_agent"]
