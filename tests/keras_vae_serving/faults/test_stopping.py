"""Servers that are told to stop, and that are killed."""

import http.client
import json
import signal
import threading
import time

import grpc
import numpy as np
import pytest

from keras_vae_serving import Client, ServingError
from keras_vae_serving.status import Code
from tests.keras_vae_serving.directories import LINEAR
from tests.keras_vae_serving.faults.served import (
    body_of,
    call,
    connect,
    is_image,
    wait_for,
)

pytestmark = [pytest.mark.once, pytest.mark.slow]

RUN_S = 0.15
# A request that began so long before a signal was read by the server.
SURELY_READ_S = 0.1


class Load(threading.Thread):
    """Asks again and again; keeps when each request began, and its end.

    The end is "answered", "refused" (503, or no connection) or what went
    wrong.
    """

    def __init__(self, server, number):
        super().__init__()
        self.ends = []
        self.server = server
        self.z = [[RUN_S, number / 10, -1.0]]

    def run(self):
        ask = self.asking()
        while not self.ends or self.ends[-1][1] == "answered":
            start = time.monotonic()
            try:
                end = ask()
            except Exception as error:
                end = repr(error)
            self.ends.append((start, end))


class RestLoad(Load):
    def asking(self):
        connection = connect("127.0.0.1", self.server.rest_port)

        def ask():
            try:
                connection.request(
                    "POST", "/v1/models/digits:predict", body_of(self.z)
                )
                answer = connection.getresponse()
            except (http.client.RemoteDisconnected, ConnectionError):
                return "refused"  # not one byte came
            text = answer.read()
            if answer.status == 200:
                found = json.loads(text)["predictions"]
                is_right = is_image(found, self.z)
                return "answered" if is_right else "wrong"
            return "refused" if answer.status == 503 else str(answer.status)

        return ask


class GrpcLoad(Load):
    def asking(self):
        channel = self.server.channel()

        def ask():
            try:
                found = call(channel, self.z)
            except grpc.RpcError as error:
                is_refused = error.code() == grpc.StatusCode.UNAVAILABLE
                return "refused" if is_refused else str(error)
            return "answered" if is_image(found, self.z) else "wrong"

        return ask


def test_under_load_every_answer_in_flight_arrives_whole(slow):
    server = slow("--max-body-bytes=100000")
    clients = [RestLoad(server, n) for n in range(12)]
    clients += [GrpcLoad(server, n) for n in range(6)]
    for one in clients:
        one.start()
    wait_for(lambda: all(len(one.ends) >= 2 for one in clients))
    told = time.monotonic()
    server.signal()
    assert server.ended(10) == 0
    seconds = time.monotonic() - told
    for one in clients:
        one.join(20)
        assert not one.is_alive()
    ends = [end for one in clients for end in one.ends]
    assert {end for _, end in ends} == {"answered", "refused"}
    early = [end for start, end in ends if start < told - SURELY_READ_S]
    assert len(early) >= len(clients)
    assert {*early} == {"answered"}
    assert seconds < 4
    assert "Stopping, once" in server.said()[-1]


def test_what_comes_while_it_stops_is_refused_and_told_so(slow):
    server = slow("--drain-seconds=1.5")
    channel = server.channel()
    kept = connect("127.0.0.1", server.rest_port)
    kept.connect()
    call(channel, [[0, 0, 0]])
    server.signal()
    wait_for(lambda: server.ask("/readyz")[0] == 503)
    assert server.ask("/healthz")[0] == 200
    kept.request("POST", "/v1/models/digits:predict", body_of([[0, 0, 0]]))
    answer = kept.getresponse()
    assert (answer.status, answer.read()) == (
        503,
        b'{\n    "error": "The server is stopping."\n}',
    )
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["connection"] == "close"
    with pytest.raises(grpc.RpcError, match="The server is stopping") as caught:
        call(channel, [[0, 0, 0]])
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    assert server.metric("requests_in_flight", protocol="rest") == 0
    assert server.ended(10) == 0
    with pytest.raises(ConnectionRefusedError):
        server.ask("/healthz")


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(slow, second):
    server = slow()
    asking = threading.Thread(target=lambda: lost(server, [[30, 0, 0]]))
    asking.start()
    wait_for(lambda: server.metric("requests_in_flight", protocol="rest"))
    server.signal(signal.SIGINT)
    server.wait_said("Stopping, once 1 request is answered")
    time.sleep(0.2)
    assert server.process.poll() is None
    server.signal(second)
    assert server.ended(2) == 128 + second
    assert "at once" in server.said()[-1]
    asking.join(20)


def lost(server, z):
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        server.decode(z)


def test_it_waits_no_longer_than_it_may(slow):
    server = slow("--grace-seconds=0.3")
    ends = {}

    def ask_rest():
        ends["rest"] = server.decode([[30, 0, 0]])

    def ask_grpc():
        with pytest.raises(grpc.RpcError) as caught:
            call(server.channel(), [[30, 0, 0]])
        ends["grpc"] = caught.value.code()

    asking = [threading.Thread(target=one) for one in (ask_rest, ask_grpc)]
    for one in asking:
        one.start()
    for protocol in ("rest", "grpc"):
        wait_for(
            lambda p=protocol: server.metric("requests_in_flight", protocol=p)
        )
    server.signal()
    assert server.ended(6) == 1
    assert server.said()[-1] == "After 0.3 s 2 requests are cut off."
    for one in asking:
        one.join(20)
    text = "The server stopped before it could answer"
    assert ends == {
        "rest": (503, {"error": text}),
        "grpc": grpc.StatusCode.UNAVAILABLE,
    }


def test_a_body_that_is_being_read_does_not_keep_it(serve, models):
    server = serve(models, "--grace-seconds=0.5")
    # Not strict JSON, and so read step by step: for many seconds.
    body = b'\xef{"inputs": [' + b"[]," * 3_000_000 + b"0]}"
    ends = []

    def ask():
        ends.append(server.ask("/v1/models/digits:predict", body))

    asking = threading.Thread(target=ask)
    asking.start()
    wait_for(lambda: server.metric("requests_in_flight", protocol="rest"))
    time.sleep(0.5)  # All of the body is there.
    start = time.monotonic()
    server.signal()
    assert server.ended(6) == 1
    assert time.monotonic() - start < 4
    assert server.said()[-1] == "After 0.5 s 1 request is cut off."
    asking.join(20)
    text = "The server stopped before it could answer"
    assert ends == [(503, {"error": text})]


def test_idle_connections_do_not_keep_it(serve, models):
    server = serve(models)
    kept = [connect("127.0.0.1", server.rest_port) for _ in range(20)]
    for one in kept:
        one.request("GET", "/healthz")
        one.getresponse().read()
    channel = server.channel()
    call(channel, [[0, 0, 0]])
    server.wait_idle()
    start = time.monotonic()
    server.signal()
    assert server.ended(5) == 0
    assert time.monotonic() - start < 3
    assert server.said()[-1] == "Stopping."
    for one in kept:
        one.close()


def test_it_comes_back_after_it_was_killed(serve, models):
    server = serve(models)
    ports = (
        f"--rest-api-port={server.rest_port}",
        f"--port={server.grpc_port}",
    )
    rest = Client(f"http://127.0.0.1:{server.rest_port}", "digits", retries=30)
    rpc = Client(f"127.0.0.1:{server.grpc_port}", "digits", retries=30)
    z = np.array([[1, 2, 3]], "float32")
    for client in (rest, rpc):
        assert is_image(client.decode(z), z)
    server.signal(signal.SIGKILL)
    assert server.ended() == -signal.SIGKILL
    found = {}

    def ask(name, client):
        try:
            found[name] = client.decode(z)
        except ServingError as error:
            # Sent on a connection that nobody had seen break: the client
            # cannot know what became of it, and says so.
            assert error.code == Code.UNKNOWN
            found[name] = client.decode(z)

    clients = {"rest": rest, "grpc": rpc}
    asking = [
        threading.Thread(target=ask, args=pair) for pair in clients.items()
    ]
    for one in asking:
        one.start()
    time.sleep(0.3)
    again = serve(models, ports=ports)
    assert (again.rest_port, again.grpc_port) == (
        server.rest_port,
        server.grpc_port,
    )
    assert again.ready()
    for one in asking:
        one.join(20)
    expected = LINEAR.decode(z)["x"]
    assert {*found} == {"rest", "grpc"}
    for images in found.values():
        np.testing.assert_allclose(images, expected, atol=1e-5)
    for client in clients.values():
        client.close()
