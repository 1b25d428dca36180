import asyncio
import json
import logging

import pytest

from keras_vae_serving.operations import access_log
from keras_vae_serving.operations.admission import Admission
from keras_vae_serving.operations.http_gate import HttpGate, method_of
from keras_vae_serving.operations.keys import Keys
from keras_vae_serving.operations.metrics import Metrics
from keras_vae_serving.rest.cors import cors_headers

pytestmark = pytest.mark.once

KEY = "a-key-of-sixteen-characters"


async def front_end(scope, receive, send):
    message = await receive()
    while message.get("more_body"):
        message = await receive()
    headers = [(b"content-length", b"2")]
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": b"ok"})


class Gate:
    """A gate, and what it answers."""

    def __init__(self, keys=(), app=front_end, **options):
        rate = options.pop("requests_per_second", None)
        limit = options.pop("max_requests", 5)
        self.admission = Admission(Keys(keys, rate), limit)
        self.metrics = Metrics()
        timeout = options.pop("body_timeout_s", 5)
        cors = cors_headers(options.pop("cors", False), bool(keys))
        self.gate = HttpGate(app, self.admission, self.metrics, timeout, cors)

    def ask(
        self, path="/v1/models/a:predict", headers=(), body=None, method="GET"
    ):
        """Returns the status, the headers and the body of an answer."""
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [(k.encode(), v.encode()) for k, v in headers],
            "client": ("127.0.0.1", 1),
        }
        sent = []

        async def receive():
            if body is not None:
                return await body()
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            sent.append(message)

        asyncio.run(self.gate(scope, receive, send))
        start, *rest = self.sent = sent
        text = b"".join(one["body"] for one in rest)
        return start["status"], dict(start["headers"]), text


def test_it_lets_through():
    gate = Gate()
    assert gate.ask()[::2] == (200, b"ok")
    assert gate.admission.in_flight == 0


def test_it_asks_for_a_key():
    gate = Gate([KEY])
    status, headers, text = gate.ask()
    assert (status, headers[b"www-authenticate"]) == (401, b"Bearer")
    assert "valid API key" in json.loads(text)["error"]
    assert gate.ask(headers=[("x-api-key", KEY)])[0] == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_orchestrators_need_no_key(path):
    gate = Gate([KEY])
    gate.admission.is_stopping = True
    assert gate.ask(path)[0] == 200


def test_a_server_that_stops():
    gate = Gate()
    gate.admission.is_stopping = True
    status, headers, text = gate.ask()
    assert (status, headers[b"retry-after"]) == (503, b"1")
    assert json.loads(text) == {"error": "The server is stopping."}


def test_a_body_that_never_comes():
    async def never():
        await asyncio.sleep(10)

    gate = Gate(body_timeout_s=0.05)
    status, headers, text = gate.ask(body=never)
    assert (status, headers[b"connection"]) == (408, b"close")
    assert "did not arrive within 0.05 s" in json.loads(text)["error"]


def test_a_body_that_trickles():
    async def trickle():
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    assert Gate(body_timeout_s=0.1).ask(body=trickle)[0] == 408


def test_a_wait_after_the_body_is_the_applications_own():
    async def app(scope, receive, send):
        await receive()
        await asyncio.sleep(0.1)
        await front_end(scope, receive, send)

    assert Gate(app=app, body_timeout_s=0.05).ask()[0] == 200


def test_requests_are_counted():
    gate = Gate([KEY])
    gate.ask()
    gate.ask("/v1/models/a/metadata", headers=[("x-api-key", KEY)])
    text = gate.metrics.text().decode()
    labels = 'code="401",method="predict",protocol="rest"'
    assert f"keras_vae_serving_requests_total{{{labels}}} 1.0" in text
    assert 'code="200",method="metadata"' in text
    assert 'requests_in_flight{protocol="rest"} 0.0' in text


@pytest.mark.parametrize("path", ["/metrics", "/monitoring/prometheus/metrics"])
def test_metrics_are_answered(path):
    status, headers, text = Gate().ask(path)
    assert status == 200
    assert headers[b"content-type"].startswith(b"text/plain")
    assert b"keras_vae_serving_requests_in_flight" in text
    assert Gate([KEY]).ask(path)[0] == 401


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/v1/models/a:predict", "predict"),
        ("/V1/MODELS/a:predict", "predict"),
        ("/v1/models/a/versions/1:predict", "predict"),
        ("/v1/models/a/metadata", "metadata"),
        ("/v1/models/a", "status"),
        ("/v1/models/" + "x" * 1000, "status"),
        ("/metrics", "metrics"),
        ("/openapi.json", "other"),
        ("/" + "y" * 1000, "other"),
    ],
)
def test_methods_are_a_fixed_set_of_words(path, method):
    assert method_of(path) == method


def test_the_access_log_is_json_and_holds_no_key(caplog):
    gate = Gate([KEY])
    with caplog.at_level(logging.INFO, access_log.LOGGER.name):
        headers = [("x-api-key", KEY), ("user-agent", 'a"b\n')]
        gate.ask('/v1/models/"a\n', headers)
    (record,) = caplog.records
    assert KEY not in record.message and "\n" not in record.message
    line = json.loads(record.message)
    assert line.pop("time").endswith("+00:00")
    assert line.pop("ms") >= 0
    assert line == {
        "protocol": "rest",
        "client": "127.0.0.1",
        "method": "GET",
        "path": '/v1/models/"a\n',
        "status": 200,
        "bytes": 2,
        "user_agent": 'a"b\n',
    }


def test_what_a_key_is_to_wait_for_is_told():
    gate = Gate([KEY], requests_per_second=0.1)
    headers = [("x-api-key", KEY)]
    assert gate.ask(headers=headers)[0] == 200
    status, found, _ = gate.ask(headers=headers)
    assert (status, found[b"retry-after"]) == (429, b"10")


@pytest.mark.parametrize(
    ("headers", "is_closed"),
    [
        ([], False),
        ([("content-length", "1000")], False),
        ([("content-length", "100000")], True),
        ([("content-length", "9" * 30)], True),
        ([("transfer-encoding", "chunked")], True),
    ],
)
def test_a_body_that_nobody_needs_is_read_only_if_it_is_small(
    headers, is_closed
):
    status, found, _ = Gate([KEY]).ask(headers=headers)
    assert status == 401
    assert (found.get(b"connection") == b"close") is is_closed


def test_a_large_answer_goes_piece_by_piece():
    body = bytes(range(256)) * 1000

    async def app(scope, receive, send):
        start = {"type": "http.response.start", "status": 200, "headers": []}
        await send(start)
        await send({"type": "http.response.body", "body": body})

    gate = Gate(app=app)
    assert gate.ask()[2] == body
    _, *pieces = gate.sent
    assert [len(one["body"]) for one in pieces] == [65536] * 3 + [59392]
    assert [one.get("more_body", False) for one in pieces] == [
        True,
        True,
        True,
        False,
    ]


def test_an_error_that_nobody_foresaw(caplog):
    async def app(scope, receive, send):
        raise KeyError("x")

    gate = Gate(app=app)
    status, _, text = gate.ask()
    assert (status, json.loads(text)) == (500, {"error": "Internal error"})
    assert "A request could not be answered." in caplog.text
    assert gate.admission.in_flight == 0


def test_an_error_behind_the_head_of_an_answer():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        raise KeyError("x")

    with pytest.raises(KeyError):
        Gate(app=app).ask()


@pytest.mark.parametrize("is_stopping", [True, False])
def test_a_request_that_is_cut_off(is_stopping):
    async def app(scope, receive, send):
        raise asyncio.CancelledError

    gate = Gate(app=app)

    async def stop(scope, receive, send):
        gate.admission.is_stopping = is_stopping
        await app(scope, receive, send)

    gate.gate._app = stop
    if is_stopping:
        status, _, text = gate.ask()
        assert status == 503
        assert "stopped before it could answer" in json.loads(text)["error"]
    else:
        with pytest.raises(asyncio.CancelledError):
            gate.ask()


def test_metrics_are_answered_when_nothing_else_is():
    gate = Gate(max_requests=0)
    assert gate.ask()[0] == 503
    assert gate.ask("/metrics")[0] == 200
    gate.admission.is_stopping = True
    assert gate.ask("/metrics")[0] == 200


def test_a_page_may_ask_what_it_may_send_without_a_key():
    gate = Gate([KEY], cors=True)
    gate.admission.is_starting = True
    assert gate.ask(method="OPTIONS")[0] == 200
    gate = Gate([KEY])
    assert gate.ask(method="OPTIONS")[0] == 401


def test_a_page_is_told_why_it_is_refused():
    async def broken(scope, receive, send):
        raise RuntimeError

    async def never():
        await asyncio.sleep(10)

    gate = Gate([KEY], cors=True)
    stopping = Gate(cors=True)
    stopping.admission.is_stopping = True
    late = Gate(cors=True, body_timeout_s=0.05)
    found = [
        gate.ask(),
        stopping.ask(),
        late.ask(body=never),
        Gate(cors=True, app=broken).ask(),
    ]
    assert [one[0] for one in found] == [401, 503, 408, 500]
    for _, headers, _ in found:
        assert headers[b"access-control-allow-origin"] == b"*"
    allowed = found[0][1][b"access-control-allow-headers"]
    assert allowed == b"Content-Type, Authorization, X-API-Key"
    assert b"access-control-allow-origin" not in Gate([KEY]).ask()[1]
