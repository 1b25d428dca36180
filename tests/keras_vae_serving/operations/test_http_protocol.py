"""The limits of a connection, over a real socket."""

import asyncio
import contextlib
import json

import pytest
import uvicorn

from keras_vae_serving.operations.http_protocol import (
    ConnectionLimits,
    guarded,
)

pytestmark = pytest.mark.once

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


async def large(scope, receive, send):
    """Answers 8 MB: more than any socket's buffers hold."""
    if scope["type"] != "http":
        return
    body = b"x" * (8_000_000 if scope["path"] == "/large" else 2)
    headers = [(b"content-length", str(len(body)).encode())]
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def serving(**limits):
    config = uvicorn.Config(
        large,
        port=0,
        http=guarded(ConnectionLimits(**limits)),
        lifespan="off",
        log_level="critical",
        timeout_keep_alive=1,
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1], server
    finally:
        server.should_exit = server.force_exit = True
        async with asyncio.timeout(10):
            await task


def run(scenario, **limits):
    async def main():
        async with serving(**limits) as (port, server), asyncio.timeout(10):
            return await scenario(port, server)

    return asyncio.run(main())


async def connect(port):
    return await asyncio.open_connection("127.0.0.1", port)


def status_and_error(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]


def test_an_ordinary_request():
    async def scenario(port, server):
        reader, writer = await connect(port)
        writer.write(GET)
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(2)
        writer.write(GET)
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        return head.split()[1], body

    assert run(scenario, header_timeout_s=0.5) == (b"200", b"xx")


def test_connections_above_the_limit_are_told():
    async def scenario(port, server):
        held = [await connect(port) for _ in range(3)]
        await asyncio.sleep(0.05)
        reader, _ = await connect(port)
        refused = await reader.read()
        for _, writer in held:
            writer.close()
        await asyncio.sleep(0.05)
        reader, writer = await connect(port)
        writer.write(GET)
        answered = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        return status_and_error(refused), answered.split()[1]

    (status, text), answered = run(scenario, max_connections=3)
    assert (status, answered) == (503, b"200")
    assert "as many connections as it may" in text


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nx: " + b"a" * 3000,
        b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\n" + b"x: a\r\n" * 500,
    ],
)
def test_headers_that_are_too_large(head):
    async def scenario(port, server):
        reader, writer = await connect(port)
        writer.write(head + b"\r\n\r\n")
        return status_and_error(await reader.read())

    status, text = run(scenario, max_header_bytes=2000)
    assert (status, "at most 2000 bytes" in text) == (431, True)


@pytest.mark.parametrize("sent", [b"", b"GET / HT", GET[:-2]])
def test_headers_that_are_late(sent):
    async def scenario(port, server):
        reader, writer = await connect(port)
        writer.write(sent)
        return status_and_error(await reader.read())

    status, text = run(scenario, header_timeout_s=0.2)
    assert (status, "did not arrive within 0.2 s" in text) == (408, True)


def test_headers_that_trickle():
    async def scenario(port, server):
        reader, writer = await connect(port)
        answer = asyncio.create_task(reader.read())
        for byte in GET:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)
            if answer.done():
                break
        return status_and_error(await answer)

    assert run(scenario, header_timeout_s=0.2)[0] == 408


def test_what_is_no_http():
    async def scenario(port, server):
        reader, writer = await connect(port)
        writer.write(b"\x16\x03\x01 no HTTP\r\n\r\n")
        return status_and_error(await reader.read())

    assert run(scenario)[0] == 400


def test_a_client_that_takes_no_answer_is_cut_off():
    async def scenario(port, server):
        reader, writer = await connect(port)
        reader._transport.pause_reading()
        writer.write(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
        await asyncio.sleep(0.1)
        assert len(server.server_state.connections) == 1
        await asyncio.sleep(0.6)
        left = len(server.server_state.connections)
        writer.close()
        return left

    assert run(scenario, write_timeout_s=0.3) == 0


def test_a_client_that_is_slow_but_goes_on():
    async def scenario(port, server):
        reader, writer = await connect(port)
        writer.write(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        received = 0
        while received < 8_000_000:
            received += len(await reader.read(400_000))
            await asyncio.sleep(0.01)
        writer.close()
        return received

    assert run(scenario, write_timeout_s=0.5) == 8_000_000


POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n"


def test_a_body_that_comes_after_its_answer_is_no_request():
    """A refused client's, say: its connection is kept, and idle."""

    async def scenario(port, server):
        reader, writer = await connect(port)
        writer.write(POST)
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2)
        for part in (b"12345", b"67890"):
            writer.write(part)
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.4)
        writer.write(GET)
        answered = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2)
        # Then it is closed without a word, once it was idle for a second.
        rest = await reader.read()
        return answered.split()[1], rest

    assert run(scenario, header_timeout_s=0.3) == (b"200", b"")


def test_a_body_that_never_ends_after_its_answer():
    async def scenario(port, server):
        reader, writer = await connect(port)
        writer.write(POST)
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2)
        writer.write(b"12345")
        return status_and_error(await reader.read())[0]

    assert run(scenario, header_timeout_s=0.3) == 408


def test_an_idle_connection_is_closed_after_a_late_body():
    async def scenario(port, server):
        reader, writer = await connect(port)
        writer.write(POST)
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2)
        await asyncio.sleep(0.05)
        writer.write(b"1234567890")
        return await reader.read()

    assert run(scenario, header_timeout_s=0.3) == b""
