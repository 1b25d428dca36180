"""Clients that are slow, that do nothing, and that go away."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time

import grpc
import numpy as np
import pytest

from tests.keras_vae_serving.directories import LinearModel, write_version
from tests.keras_vae_serving.faults.proxy import passing
from tests.keras_vae_serving.faults.served import (
    MIB,
    PREDICT,
    body_of,
    call,
    connect,
    requests,
    wait_for,
)
from tests.keras_vae_serving.faults.sockets import (
    answers,
    connected,
    error_of,
    exchange,
    post,
    read_all,
)
from tests.keras_vae_serving.operations.test_tls import make

pytestmark = [pytest.mark.once, pytest.mark.slow]

SMALL = 4096
LARGE = json.dumps(
    {
        "signature_name": "generate",
        "inputs": {"num_samples": 1500, "seed": 1, "temperature": 1.0},
    }
).encode()
LARGE_MIB = 14  # The answer's text.
HELD_MIB = 80  # The answer, and what making it leaves to the allocator.
PREDICTIONS_503 = {"protocol": "rest", "method": "predict", "code": "503"}


@pytest.fixture
def large(serve, tmp_path):
    """`large(...)` starts a server of 28x28 images."""
    write_version(tmp_path / "large" / "digits", 1, LinearModel((28, 28, 1)))

    def start(*arguments):
        return serve(tmp_path / "large", *arguments)

    return start


def lazy(port, *parts):
    """A connection that sends, and takes hardly anything."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    one.connect(("127.0.0.1", port))
    for part in parts:
        one.sendall(part)
    return one


def seconds_to_answer(server):
    start = time.monotonic()
    status, _ = server.decode(np.zeros((1, 3)))
    assert status == 200
    return time.monotonic() - start


def open_files(server):
    return server.metrics()["process_open_fds", frozenset()]


def rest_in_flight(server):
    return server.metric("requests_in_flight", protocol="rest")


def test_clients_that_take_no_answer_are_cut_off(large):
    server = large("--write-timeout-seconds=2", "--max-requests=6")
    server.ask("/v1/models/digits:predict", LARGE)
    before, files = server.memory_mib(), open_files(server)
    slow = [lazy(server.rest_port, post(LARGE)) for _ in range(24)]
    # A place is held until its answer is taken, so answers do not pile up.
    wait_for(lambda: server.metric("requests_total", **PREDICTIONS_503) == 18)
    time.sleep(0.5)
    assert rest_in_flight(server) == 6
    assert server.memory_mib() - before < 6 * HELD_MIB
    wait_for(lambda: rest_in_flight(server) == 0, 8)
    # The others wait for their next requests.
    wait_for(lambda: open_files(server) == files + 18)
    assert seconds_to_answer(server) < 0.5
    for one in slow:
        one.close()


def test_what_waits_behind_an_answer_is_not_taken(large):
    server = large("--write-timeout-seconds=2")
    server.ask("/v1/models/digits:predict", LARGE)
    before = server.memory_mib()
    one = lazy(server.rest_port, post(LARGE))
    one.settimeout(0.5)
    with contextlib.suppress(TimeoutError):
        for _ in range(100_000):
            one.sendall(post(LARGE))
    assert rest_in_flight(server) == 1
    assert max(seconds_to_answer(server) for _ in range(5)) < 0.5
    assert server.memory_mib() - before < 2 * HELD_MIB
    wait_for(lambda: rest_in_flight(server) == 0, 8)
    one.close()


def test_a_slow_client_that_goes_on_is_answered(large):
    server = large("--write-timeout-seconds=0.5")
    data = bytearray()
    with connected(server.rest_port) as one:
        one.sendall(post(LARGE, b"Connection: close"))
        end = time.monotonic() + 1.5  # longer than it may do nothing
        while time.monotonic() < end:
            data += one.recv(50_000)
            time.sleep(0.02)
        assert len(data) < LARGE_MIB * MIB / 2
        data += read_all(one)
    ((status, body),) = answers(bytes(data))
    assert status == 200
    assert np.shape(json.loads(body)["outputs"]["z"]) == (1500, 3)


def test_a_grpc_client_that_takes_no_answer_keeps_its_place(large):
    server = large("--max-requests=4")
    request = requests.predict("generate", model="digits")
    for name, value, dtype in (
        ("num_samples", 3000, "int32"),
        ("seed", 1, "int64"),
        ("temperature", 1.0, "float32"),
    ):
        request.inputs[name].CopyFrom(requests.tensor(value, dtype))
    data = request.SerializeToString()
    with passing(server.grpc_port, to_client=500_000) as port:
        channel = grpc.insecure_channel(
            f"127.0.0.1:{port}", [("grpc.max_receive_message_length", -1)]
        )
        asked = [channel.unary_unary(PREDICT).future(data) for _ in range(12)]
        wait_for(lambda: sum(one.done() for one in asked) == 8)
        time.sleep(0.5)
        assert server.metric("requests_in_flight", protocol="grpc") == 4
        refused = [one.details() for one in asked if one.done()]
        assert len(refused) == 8
        assert all("as many as it may" in one for one in refused)
        assert server.memory_mib() < 400
        channel.close()
    wait_for(lambda: server.metric("requests_in_flight", protocol="grpc") == 0)
    call(server.channel(), np.zeros((1, 3)))


@pytest.mark.parametrize(
    "half",
    [
        post(b'{"instances": [', length=1000),
        post(b"", length=1000),
        post(b'5\r\n{"ins\r\n', b"Transfer-Encoding: chunked", length=False),
    ],
)
def test_half_a_body(serve, models, half):
    server = serve(models, "--rest-api-timeout-in-ms=700")
    with connected(server.rest_port) as one:
        one.sendall(half)
        wait_for(lambda: rest_in_flight(server) == 1)
        assert seconds_to_answer(server) < 0.5
        start = time.monotonic()
        ((status, body),) = answers(read_all(one))
    assert status == 408
    assert error_of(body) == ("The request's body did not arrive within 0.7 s")
    assert time.monotonic() - start < 4
    wait_for(lambda: rest_in_flight(server) == 0)


def test_half_a_message(serve, models):
    server = serve(models, "--rest-api-timeout-in-ms=700")
    z = np.zeros((10_000, 3))
    with passing(server.grpc_port, to_server=30_000) as port:
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        with pytest.raises(grpc.RpcError) as caught:
            call(channel, z)
        channel.close()
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert "did not arrive within 0.7 s" in caught.value.details()
    wait_for(lambda: server.metric("requests_in_flight", protocol="grpc") == 0)


def test_headers_that_are_late(serve, models):
    server = serve(models, "--header-timeout-seconds=0.5")
    found = exchange(server.rest_port, b"GET /healthz HTTP/1.1\r\nHost:")
    assert answers(found)[0][0] == 408
    assert server.metric("refused_connections_total", code="408") == 1


@contextlib.contextmanager
def idle(port, count):
    """Holds idle connections; yields how many, and how many refused."""
    path = __file__.replace("test_slow_clients.py", "idle.py")
    process = subprocess.Popen(
        [sys.executable, path, str(port), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield [int(one) for one in process.stdout.readline().split()]
    finally:
        process.communicate(timeout=20)


def test_ten_thousand_idle_connections(serve, models):
    server = serve(models, "--max-connections=11000")
    before = server.memory_mib()
    with idle(server.rest_port, 10_000) as (opened, closed, refused, _):
        assert closed == refused
        if opened < 10_000 or refused:
            # The system allows fewer open files: that is said.
            server.wait_said("at most .* connections")
        assert opened - refused > 500
        assert max(seconds_to_answer(server) for _ in range(5)) < 1
        call(server.channel(), np.zeros((1, 3)))
        assert server.memory_mib() - before < 200
    wait_for(lambda: open_files(server) < 200)
    server.signal()
    assert server.ended(5) == 0


def test_idle_connections_above_the_limit(serve, models):
    server = serve(models, "--max-connections=200")
    kept = connect("127.0.0.1", server.rest_port)
    kept.request("GET", "/healthz")
    kept.getresponse().read()
    with idle(server.rest_port, 300) as counts:
        assert counts == [300, 101, 101, 101]
        path = "/v1/models/digits:predict"
        kept.request("POST", path, body_of(np.zeros((1, 3))))
        answer = kept.getresponse()
        assert answer.status == 200 and answer.read()
        call(server.channel(), np.zeros((1, 3)))
        status, answer = server.ask("/healthz")
        assert (status, answer["error"]) == (
            503,
            "The server has as many connections as it may: try again",
        )
    wait_for(lambda: server.ask("/healthz")[0] == 200)
    assert server.metric("refused_connections_total", code="503") >= 102


def test_idle_tls_connections_above_the_limit(serve, models, tmp_path):
    """They count although they have not shaken hands."""
    pair = make(tmp_path, "one")
    server = serve(
        models,
        "--max-connections=100",
        "--header-timeout-seconds=2",
        f"--tls-certificate={pair.certificate}",
        f"--tls-key={pair.key}",
    )
    names = {"host": "localhost", "tls": pair.certificate}
    kept = connect("localhost", server.rest_port, tls=pair.certificate)
    kept.request("GET", "/healthz")
    kept.getresponse().read()
    start = time.monotonic()
    with idle(server.rest_port, 300) as (opened, ended, *told):
        # 32 more than may stay would be told so, if they shook hands.
        assert (opened, ended, *told) == (300, 300 - 131, 0, 0)
        assert time.monotonic() - start < 2
        path = "/v1/models/digits:predict"
        kept.request("POST", path, body_of(np.zeros((1, 3))))
        answer = kept.getresponse()
        assert answer.status == 200 and answer.read()
        with pytest.raises(OSError):
            server.ask("/healthz", **names)
        # Those that are silent for too long are cut off.
        wait_for(lambda: is_healthy(server, names), 5)
    counted = server.metrics(**names)
    key = "keras_vae_serving_refused_connections_total"
    assert counted[key, frozenset({("code", "503")})] >= 169


def is_healthy(server, names):
    try:
        return server.ask("/healthz", **names)[0] == 200
    except OSError:
        return False


def test_idle_grpc_connections_above_the_limit(serve, models):
    server = serve(models, "--max-connections=50")
    channel = server.channel()
    call(channel, np.zeros((1, 3)))
    files = open_files(server)
    with idle(server.grpc_port, 80) as (opened, ended, _, greeted):
        # gRPC greets those that it takes, and ends the others.
        assert (opened, ended) == (80, 80)
        assert greeted == 49
        call(channel, np.zeros((1, 3)))
        wait_for(lambda: open_files(server) - files <= 49)
        assert seconds_to_answer(server) < 0.5
    wait_for(lambda: is_answered(server))


def is_answered(server):
    try:
        call(server.channel(), np.zeros((1, 3)), timeout=1)
    except grpc.RpcError:
        return False
    return True


def test_clients_that_go_away_free_their_places(slow):
    server = slow("--max-requests=20")
    z = [[1.5, 0, 0]]
    gone = [lazy(server.rest_port, post(body_of(z).encode())) for _ in range(6)]
    channel = server.channel()
    data = requests.predict("decode", model="digits", z=z).SerializeToString()
    calls = [channel.unary_unary(PREDICT).future(data) for _ in range(6)]
    wait_for(
        lambda: (
            rest_in_flight(server) == 6
            and server.metric("requests_in_flight", protocol="grpc") == 6
        )
    )
    waiting = server.metric("requests_waiting")
    assert waiting > 0
    for one in gone:
        one.close()
    for one in calls:
        one.cancel()
    start = time.monotonic()
    for protocol in ("rest", "grpc"):
        wait_for(
            lambda p=protocol: (
                not server.metric("requests_in_flight", protocol=p)
            )
        )
    assert server.metric("requests_waiting") == 0
    assert time.monotonic() - start < 1  # The runs still go on.
    assert server.decode([[0, 0, 0]], timeout=5)[0] == 200
    codes = {
        dict(labels)["code"]: value
        for (name, labels), value in server.metrics().items()
        if name == "keras_vae_serving_requests_total"
        and dict(labels)["method"] in ("predict", "Predict")
    }
    assert codes == {"200": 1, "499": 6, "CANCELLED": 6}


def test_a_client_that_goes_away_while_it_sends(serve, models):
    server = serve(models)
    for _ in range(20):
        with connected(server.rest_port) as one:
            one.sendall(post(b'{"instances": [[1,', length=5000))
    threading.Event().wait(0.2)
    wait_for(lambda: rest_in_flight(server) == 0)
    assert seconds_to_answer(server) < 0.5
    assert server.said()[1:] == []
