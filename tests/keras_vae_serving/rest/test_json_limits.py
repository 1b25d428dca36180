"""Bodies that would take far more memory, or time, than their size says."""

import asyncio
import json
import threading
import time
import tracemalloc

import pytest

from keras_vae_serving.rest import api, json_limits
from keras_vae_serving.rest.app import make_app
from keras_vae_serving.rest.json_limits import GivenUp, JsonLimitError
from keras_vae_serving.rest.json_parser import parse
from tests.keras_vae_serving.echo import EchoServer
from tests.keras_vae_serving.rest.caller import (
    PREDICT,
    Client,
    call,
    make_scope,
)

pytestmark = pytest.mark.once

MIB = 2**20
DEEPEST = json_limits.MAX_DEPTH


def traced(function):
    """The most memory that a call took, in MiB."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_what_is_too_deep_is_refused_before_it_takes_memory(opening):
    body = b'{"x":' + opening * (4 * MIB // len(opening))
    if opening != b"[":  # Each brace is a step; so few take no time.
        body = b'{"x":' + b"[" * (DEEPEST - 1) + opening

    def refuse():
        with pytest.raises(JsonLimitError, match="more than 1000000 lists or"):
            parse(body)

    assert traced(refuse) < 150


def test_what_is_as_deep_as_may_be():
    closed = b"[" * (DEEPEST - 1) + b"]" * (DEEPEST - 1)
    start = time.process_time()
    assert [*parse(b'{"x":' + closed + b"}")] == ["x"]
    assert time.process_time() - start < 20


@pytest.mark.parametrize(
    ("item", "limit", "word"),
    [(b"[],", "MAX_LISTS", "lists"), (b"{},", "MAX_OBJECTS", "objects")],
)
def test_how_many_there_may_be(monkeypatch, item, limit, word):
    for name in ("MAX_LISTS", "MAX_OBJECTS"):
        monkeypatch.setattr(json_limits, name, 1000)
    most = 1000 - (item == b"[],")
    assert len(parse(b"[%b0]" % (item * most))) == most + 1
    with pytest.raises(JsonLimitError, match=f"more than 1000 {word}"):
        parse(b"[%b0]" % (item * (most + 1)))


def test_a_client_is_told():
    body = b'{"x":' + b"[" * (DEEPEST + 1)
    reply = call(make_app(EchoServer()), "POST", PREDICT, body)
    assert reply.status == 413
    assert "lists or objects deep" in reply.json["error"]


def test_reading_ends_when_nobody_waits():
    asked = []

    def is_over():
        asked.append(1)
        return len(asked) == 3

    with pytest.raises(GivenUp):
        parse(b"\xef[" + b"[0]," * 100_000, is_over)


# Not strict JSON, and so read step by step.
SLOW = b"\xef" + json.dumps({"inputs": [[]] * 500_000}).encode()


@pytest.mark.parametrize("stays", [True, False])
def test_the_deadline_begins_before_a_body_is_read(monkeypatch, stays):
    """So does the watch for clients that go away."""
    ends = []
    read_request = api.read_request

    def noted(*arguments):
        try:
            read_request(*arguments)
        except GivenUp:
            ends.append(threading.current_thread())
            raise

    monkeypatch.setattr(api, "read_request", noted)
    client = Client([SLOW], stays)
    app = make_app(EchoServer(), rest_api_timeout_in_ms=100)
    start = time.monotonic()
    asyncio.run(app(make_scope("POST", PREDICT), client.receive, client.send))
    assert time.monotonic() - start < 5
    if stays:
        assert client.reply.status == 504
        assert client.reply.json == {"error": "Timed out after 100 ms"}
    else:
        assert client.sent == []
    end = time.monotonic() + 10
    while not ends and time.monotonic() < end:
        time.sleep(0.01)
    assert ends and ends[0] is not threading.current_thread()
