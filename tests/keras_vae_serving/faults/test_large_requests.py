"""Requests that are too large, too deep, or larger than they look."""

import contextlib
import gzip
import json
import time
import zlib

import grpc
import numpy as np
import pytest

from tests.keras_vae_serving.faults.served import (
    MIB,
    PREDICT,
    body_of,
    call,
    is_image,
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

pytestmark = [pytest.mark.once, pytest.mark.slow]

LIMIT = MIB
# What a server's memory may grow by, that is told of far more.
SLACK_MIB = 32
DEPTH = 500_000
Z = np.array([[1, 2, 3]], "float32")


@pytest.fixture(scope="module")
def shared(shared_server):
    """A server that takes bodies of 1 MiB, and has met such ones."""
    server = shared_server(f"--max-body-bytes={LIMIT}")
    # What the allocator keeps from now on is known.
    server.ask("/v1/models/digits:predict", '{"a":' + "[" * DEPTH)
    return server


@pytest.fixture
def server(shared):
    """It is as well after each test, and has kept nothing."""
    assert shared.decode(Z)[0] == 200
    before = shared.memory_mib()
    yield shared
    status, answer = shared.decode(Z)
    assert status == 200 and is_image(answer["predictions"], Z)
    assert shared.memory_mib() - before < SLACK_MIB
    shared.wait_idle()
    assert len(shared.said()) == 1


@pytest.mark.parametrize("length", [2**30, LIMIT + 1, 10**18])
@pytest.mark.parametrize("expects", [False, True])
def test_a_body_that_says_it_is_large(server, length, expects):
    headers = [b"Expect: 100-continue"] if expects else []
    start = time.monotonic()
    with connected(server.rest_port) as one:
        one.sendall(post(b"", *headers, length=length))
        found = one.recv(65536)
        while not found.endswith(b"}"):
            found += one.recv(65536)
    assert time.monotonic() - start < 0.5
    ((status, body),) = answers(found)
    assert status == 413
    assert f"more than {LIMIT} bytes" in error_of(body)


def test_who_goes_on_after_an_answer_is_cut_off(server):
    start = time.monotonic()
    with connected(server.rest_port) as one:
        one.sendall(post(b" " * 1000, length=2**30))
        ((status, _),) = answers(read_all(one))
    assert status == 413
    assert time.monotonic() - start < 4


def test_a_body_in_chunks_without_end(server):
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    sent = 0
    with connected(server.rest_port) as one:
        one.sendall(post(b"", b"Transfer-Encoding: chunked", length=False))
        with contextlib.suppress(ConnectionError):
            while sent < 1000:
                one.sendall(chunk)
                sent += 1
                if sent == 40:  # It has been answered by now.
                    assert one.recv(65536).startswith(b"HTTP/1.1 413 ")
    assert sent >= 40


def test_an_honest_body_that_is_too_large(server):
    status, answer = server.ask("/v1/models/digits:predict", b" " * (LIMIT + 1))
    assert status == 413 and "more than" in answer["error"]


@pytest.mark.parametrize("closing", ["]", ""])
@pytest.mark.parametrize("bracket", ["[", '{"a":'])
def test_json_that_is_deep(server, bracket, closing):
    depth = DEPTH if bracket == "[" else DEPTH // 3
    if bracket != "[" and closing:
        closing = "}"
    deep = bracket * depth + ("1" if closing else "") + closing * depth
    start = time.monotonic()
    status, answer = server.ask(
        "/v1/models/digits:predict", f'{{"instances": {deep}'
    )
    assert status == 400 and "error" in answer
    status, answer = server.ask(
        "/v1/models/digits:predict",
        f'{{"ignored": {deep}, "instances": {Z.tolist()}}}',
    )
    if closing and len(deep) < LIMIT:
        assert status == 200 and is_image(answer["predictions"], Z)
    else:
        assert status == 400
    assert time.monotonic() - start < 15


@pytest.mark.parametrize("item", ["[", '{"a":', "[],", '{"a":1},'])
def test_json_that_is_larger_than_it_looks(serve, models, item):
    """As large as a body may be by default."""
    server = serve(models)
    before = server.memory_mib()
    body = '{"x":[' + item * ((64 * MIB - 20) // len(item))
    start = time.monotonic()
    status, answer = server.ask("/v1/models/digits:predict", body)
    assert (status, "more than this server" in answer["error"]) == (413, True)
    assert time.monotonic() - start < 10
    # The body itself, once in parts and once as a whole.
    assert server.memory_mib("VmHWM") - before < 2 * 64 + SLACK_MIB
    assert server.decode(Z)[0] == 200


def test_bodies_that_are_too_large_together(serve, models):
    server = serve(
        models,
        f"--max-body-bytes={LIMIT}",
        "--max-body-bytes-in-flight=2500000",
    )
    halves = [post(b" " * 900_000, length=LIMIT) for _ in range(3)]
    with contextlib.ExitStack() as stack:
        held = []
        for half in halves[:2]:
            one = stack.enter_context(connected(server.rest_port))
            one.sendall(half)
            held.append(one)
        wait_for(lambda: server.in_flight("rest") == 2)
        time.sleep(0.2)
        with connected(server.rest_port) as third:
            third.sendall(halves[2])
            ((status, body),) = answers(read_all(third))
        assert status == 503
        assert "bytes of requests, and may hold 2500000" in error_of(body)
        with server.channel() as channel:
            with pytest.raises(grpc.RpcError, match="may hold 2500000") as lost:
                channel.unary_unary(PREDICT)(bytes(900_000), timeout=20)
            assert lost.value.code() == grpc.StatusCode.UNAVAILABLE
        assert server.decode(Z)[0] == 200
    wait_for(lambda: server.in_flight("rest") == 0)
    with server.channel() as channel:
        with pytest.raises(grpc.RpcError, match="not a valid"):
            channel.unary_unary(PREDICT)(bytes(900_000), timeout=20)


def test_a_gzip_bomb(server):
    bomb = bomb_of(256)
    assert len(bomb) < LIMIT
    start = time.monotonic()
    status, answer = server.ask(
        "/v1/models/digits:predict", bomb, {"Content-Encoding": "gzip"}
    )
    assert status == 413
    assert "once gzip is undone" in answer["error"]
    assert time.monotonic() - start < 2
    status, answer = server.ask(
        "/v1/models/digits:predict",
        gzip.compress(body_of(Z).encode()),
        {"Content-Encoding": "gzip"},
    )
    assert status == 200 and is_image(answer["predictions"], Z)


def bomb_of(mib):
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(MIB)
    return b"".join(
        [*(packer.compress(zeros) for _ in range(mib)), packer.flush()]
    )


def test_a_grpc_bomb(server):
    channel = grpc.insecure_channel(
        f"127.0.0.1:{server.grpc_port}",
        [("grpc.max_send_message_length", -1)],
        compression=grpc.Compression.Gzip,
    )
    assert_too_large(channel, bytes(128 * MIB))
    call(channel, Z)
    channel.close()


def test_a_grpc_message_that_is_too_large(server):
    with server.channel() as channel:
        assert_too_large(channel, bytes(LIMIT + 1))
        assert_too_large(channel, bytes(3 * LIMIT))
        call(channel, Z)


def assert_too_large(channel, data):
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(PREDICT)(data, timeout=20)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in caught.value.details()


def test_grpc_metadata_that_is_too_large(server):
    with server.channel() as channel:
        metadata = [(f"x-{n}", "a" * 1000) for n in range(64)]
        with pytest.raises(grpc.RpcError) as caught:
            call(channel, Z, metadata=metadata)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        call(channel, Z)


HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
FLOODS = {
    "headers": (HEAD, b"x: y\r\n" * 100),
    "a value": (HEAD + b"x: ", b"y" * 65536),
    "a name": (HEAD, b"x" * 65536),
    "a path": (b"GET /", b"x" * 65536),
    "trailers": (
        post(
            b"2\r\n{}\r\n0\r\n",
            b"Transfer-Encoding: chunked",
            length=False,
        )
        + b"x: ",
        b"y" * 65536,
    ),
    "a chunk's extension": (
        post(b"2;", b"Transfer-Encoding: chunked", length=False),
        b"y" * 65536,
    ),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_of_headers(server, flood):
    head, more = FLOODS[flood]
    start = time.monotonic()
    with connected(server.rest_port) as one:
        one.sendall(head)
        with pytest.raises(ConnectionError):
            while time.monotonic() - start < 5:
                one.sendall(more)


@pytest.mark.parametrize("flood", FLOODS)
def test_who_sends_too_much_is_told(server, flood):
    head, more = FLOODS[flood]
    times = 150_000 // len(more)
    found = exchange(server.rest_port, head, more * times, pause_s=0.05)
    ((status, body),) = answers(found)
    assert status == 431
    assert error_of(body) == (
        "The request's headers must have at most 32768 bytes"
    )


def test_headers_may_be_large(server):
    found = exchange(
        server.rest_port,
        HEAD + b"x: " + b"y" * 32_000 + b"\r\nConnection: close\r\n\r\n",
    )
    assert answers(found) == [(200, b'{"status":"ok"}')]


def test_numbers_without_end(server):
    body = b'{"instances": [[' + b"1" * (LIMIT - 100) + b",2,3]]}"
    start = time.monotonic()
    status, answer = server.ask("/v1/models/digits:predict", body)
    assert status == 400 and "error" in answer
    assert time.monotonic() - start < 2
    assert json.dumps(answer)
