"""Requests straight to an ASGI application, and to one that is served."""

import asyncio
import contextlib
import json
import threading
import time
from typing import NamedTuple

import uvicorn

PREDICT = "/v1/models/echo:predict"


class Reply(NamedTuple):
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def content_type(self):
        return self.headers["content-type"]


class Client:
    """One request: what an application reads, and what it sends.

    Args:
        chunks: The parts of the body.
        stays: Whether the client waits for its answer; else it leaves as soon
            as the application listens again.
    """

    def __init__(self, chunks=(b"",), stays=True):
        self.chunks = list(chunks)
        self.stays = stays
        self.read = 0
        self.read_before_answer = None
        self.sent = []
        self.is_answered = asyncio.Event()

    async def receive(self):
        if self.chunks:
            self.read += 1
            body = self.chunks.pop(0)
            more = bool(self.chunks)
            return {"type": "http.request", "body": body, "more_body": more}
        if self.stays:
            await self.is_answered.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if not self.sent:
            self.read_before_answer = self.read
        self.sent.append(message)
        body = message["type"] == "http.response.body"
        if body and not message.get("more_body"):
            self.is_answered.set()

    @property
    def reply(self):
        start, *rest = self.sent
        headers = {k.decode(): v.decode() for k, v in start["headers"]}
        body = b"".join(one["body"] for one in rest)
        return Reply(start["status"], headers, body)


def make_scope(method, target, headers=()):
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers],
    }


async def ask(app, method, target, body=b"", headers=()):
    """Sends one request and returns its reply; one that hangs fails."""
    client = Client([body])
    scope = make_scope(method, target, headers)
    async with asyncio.timeout(10):
        await app(scope, client.receive, client.send)
    return client.reply


def call(app, method, target, body=b"", headers=()):
    """Does what `ask` does, in a loop of its own."""
    return asyncio.run(ask(app, method, target, body, headers))


def predict(app, **document):
    """Sends a document to `echo`."""
    body = json.dumps(document).encode()
    return call(app, "POST", PREDICT, body)


@contextlib.contextmanager
def serve(app):
    """Serves an application on a port that it yields."""
    config = uvicorn.Config(
        app, port=0, log_level="critical", lifespan="off", http="httptools"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        end = time.monotonic() + 20
        while not server.started and time.monotonic() < end:
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)
