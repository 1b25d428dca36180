"""Bodies that are too large, and clients that do not wait."""

import asyncio
import gzip
import http.client
import socket
import time
import tracemalloc

import pytest

from keras_vae_serving.rest.app import make_app
from keras_vae_serving.rest.asgi import ClientGone
from keras_vae_serving.rest.body import BodyLimits
from keras_vae_serving.rest.waiting import wait_for
from tests.keras_vae_serving.echo import EchoServer
from tests.keras_vae_serving.rest.caller import (
    PREDICT,
    Client,
    call,
    make_scope,
    serve,
)

pytestmark = pytest.mark.once

BODY = b'{"instances": [1, 2]}'
PACKED = [("Content-Encoding", "gzip")]
SMALL = BodyLimits(max_bytes=100, max_unpacked_bytes=200)


class Slow(EchoServer):
    """Never answers; knows who waits."""

    def __init__(self):
        super().__init__()
        self.waiting = 0
        self.cancelled = 0
        self.deadline = None

    async def predict(self, servable, signature, inputs, deadline=None):
        self.deadline = deadline
        self.waiting += 1
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.waiting -= 1


def run(app, client, headers=()):
    """Runs one request; returns how long it took."""

    async def answer():
        async with asyncio.timeout(20):
            scope = make_scope("POST", PREDICT, headers)
            await app(scope, client.receive, client.send)

    start = time.monotonic()
    asyncio.run(answer())
    return time.monotonic() - start


@pytest.mark.parametrize("size", [str(2**30), "9" * 5000], ids=len)
def test_a_declared_size_is_refused_unread(size):
    client = Client([BODY])
    headers = [("Content-Length", size)]
    app = make_app(EchoServer(), limits=SMALL)
    run(app, client, headers)
    assert client.read_before_answer == 0
    assert client.reply.status == 413
    assert client.reply.headers["connection"] == "close"
    assert client.reply.json["error"] == (
        "The request's body has more than 100 bytes, more than this server "
        "takes"
    )


def test_a_body_in_chunks_is_refused_once_it_is_too_large():
    client = Client([b" " * 40] * 50)
    run(make_app(EchoServer(), limits=SMALL), client)
    assert client.read_before_answer == 3
    assert client.reply.status == 413


def test_a_body_in_chunks():
    client = Client([BODY[:5], b"", BODY[5:]])
    run(make_app(EchoServer(), limits=SMALL), client)
    assert client.reply.json == {"predictions": [2.5, 3.0]}


def test_a_body_as_large_as_it_may_be():
    body = BODY.ljust(100)
    app = make_app(EchoServer(), limits=SMALL)
    headers = [("Content-Length", "100")]
    assert call(app, "POST", PREDICT, body, headers).status == 200
    assert call(app, "POST", PREDICT, body + b" ").status == 413


def test_gzip():
    app = make_app(EchoServer(), limits=SMALL)
    reply = call(app, "POST", PREDICT, gzip.compress(BODY), PACKED)
    assert reply.json == {"predictions": [2.5, 3.0]}
    largest = gzip.compress(BODY.ljust(200))
    assert call(app, "POST", PREDICT, largest, PACKED).status == 200


@pytest.mark.parametrize(
    "body", [BODY, gzip.compress(BODY)[:-9], b"\x1f\x8b", b""]
)
def test_what_is_not_gzip(body):
    reply = call(make_app(EchoServer()), "POST", PREDICT, body, PACKED)
    assert reply.status == 400
    assert "body is not gzip, as its Content-Encoding" in reply.json["error"]


def test_a_gzip_bomb_is_not_unpacked():
    """50 MB in 50 kB: a megabyte of it is looked at."""
    packer = gzip.zlib.compressobj(9, wbits=31)
    bomb = packer.compress(bytes(50_000_000)) + packer.flush()
    limits = BodyLimits(10**6, 10**6)
    tracemalloc.start()
    try:
        reply = call(
            make_app(EchoServer(), limits=limits),
            "POST",
            PREDICT,
            bomb,
            PACKED,
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reply.status == 413
    assert "1000000 bytes once gzip is undone" in reply.json["error"]
    assert peak < 10_000_000


def test_other_encodings_are_not_looked_at():
    headers = [("Content-Encoding", "br")]
    assert (
        call(make_app(EchoServer()), "POST", PREDICT, BODY, headers).status
        == 200
    )


def test_a_client_that_leaves_before_its_body_is_read():
    client = Client([], stays=False)
    run(make_app(EchoServer()), client)
    assert client.sent == []


def test_what_reading_a_body_raises_is_left_to_the_caller():
    """Who stands before the application may give up reading."""

    class Late(Exception):
        pass

    client = Client()

    async def receive():
        raise Late

    client.receive = receive
    with pytest.raises(Late):
        run(make_app(EchoServer()), client)


def test_a_client_that_leaves_cancels_its_work():
    server = Slow()
    client = Client([BODY], stays=False)
    assert run(make_app(server), client) < 10
    assert (server.waiting, server.cancelled) == (0, 1)
    assert client.sent == []


def test_a_deadline():
    server = Slow()
    client = Client([BODY])
    app = make_app(server, rest_api_timeout_in_ms=50)
    before = time.monotonic()
    assert run(app, client) < 10
    assert before < server.deadline < time.monotonic() + 0.05
    assert client.reply.status == 504
    assert client.reply.json == {"error": "Timed out after 50 ms"}
    assert server.cancelled == 1


def test_a_cancellation_from_elsewhere_stays_one():
    async def stop():
        client = Client([])
        task = asyncio.create_task(
            wait_for(asyncio.sleep(60), client.receive, 60_000)
        )
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(stop())


def test_the_task_of_a_client_that_left_is_not_cancelled_twice():
    async def leave():
        client = Client([], stays=False)
        with pytest.raises(ClientGone):
            await wait_for(asyncio.sleep(60), client.receive, 60_000)
        assert not asyncio.current_task().cancelling()
        await asyncio.sleep(0)

    asyncio.run(leave())


def test_a_client_leaves_over_a_socket():
    server = Slow()
    with serve(make_app(server)) as port:
        address = ("127.0.0.1", port)
        with socket.create_connection(address, timeout=10) as connection:
            head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\n"
            head += f"Content-Length: {len(BODY)}\r\n\r\n"
            connection.sendall(head.encode() + BODY)
            wait_until(lambda: server.waiting == 1)
        wait_until(lambda: server.cancelled == 1)
    assert server.waiting == 0


def test_a_refused_client_reads_its_answer_while_it_sends():
    """Closing at once would reset the connection under the answer."""
    app = make_app(EchoServer(), limits=SMALL)
    with serve(app) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", PREDICT, b" " * 30_000_000)
        assert connection.getresponse().status == 413
        connection.close()


def test_a_body_of_a_gibibyte_that_is_only_declared():
    with serve(make_app(EchoServer())) as port:
        address = ("127.0.0.1", port)
        with socket.create_connection(address, timeout=10) as connection:
            head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\n"
            head += f"Content-Length: {2**30}\r\n\r\n"
            connection.sendall(head.encode() + b"{")
            start = time.monotonic()
            assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
            assert time.monotonic() - start < 5


def wait_until(is_so):
    end = time.monotonic() + 10
    while not is_so() and time.monotonic() < end:
        time.sleep(0.01)
    assert is_so()
