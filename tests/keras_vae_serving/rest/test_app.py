"""What the application does around the API: probes, CORS, failures."""

import contextlib
import json
import logging

import numpy as np
import pytest

from keras_vae_serving.model_server import State, VersionStatus
from keras_vae_serving.rest.app import make_app
from keras_vae_serving.rest.cors import cors_headers
from keras_vae_serving.status import Code, ServingError
from tests.keras_vae_serving.echo import EchoServer
from tests.keras_vae_serving.rest.caller import PREDICT, call, predict

pytestmark = pytest.mark.once

EXAMPLES = "/v1/models/echo:classify"


class Failing(EchoServer):
    """Fails to predict with an error."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    async def predict(self, *arguments, **options):
        raise self.error


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes(path):
    assert call(make_app(EchoServer()), "GET", path).status == 200
    reply = call(
        make_app(EchoServer(), is_alive=lambda: False, is_ready=lambda: False),
        "GET",
        path,
    )
    assert (reply.status, reply.json) == (503, {"status": "unavailable"})


def test_the_document_is_shown():
    reply = call(make_app(EchoServer()), "GET", "/openapi.json")
    assert reply.status == 200
    assert reply.json["openapi"] == "3.1.0"


@pytest.mark.parametrize("path", ["/", "/v1", "/healthz/", "/v2/models/echo"])
def test_what_is_elsewhere_is_not_found(path):
    reply = call(make_app(EchoServer()), "POST", path, b"{}")
    assert (reply.status, reply.content_type) == (404, "text/html")
    assert b"Not Found" in reply.body


def test_options():
    app = make_app(EchoServer())
    origin = [("Origin", "http://x")]
    assert call(app, "OPTIONS", PREDICT, headers=origin).status == 200
    reply = call(app, "OPTIONS", PREDICT)
    assert (reply.status, reply.body) == (400, b"")
    assert "access-control-allow-origin" not in reply.headers


def test_cors():
    app = make_app(EchoServer(), headers=cors_headers(True))
    replies = [
        call(app, "OPTIONS", PREDICT, headers=[("Origin", "http://x")]),
        call(app, "POST", PREDICT, b'{"inputs": 1}'),
        call(app, "POST", PREDICT, b""),
    ]
    assert [reply.status for reply in replies] == [200, 200, 400]
    for reply in replies:
        assert reply.headers["access-control-allow-origin"] == "*"
        assert reply.headers["access-control-allow-methods"] == "POST, GET"
        assert reply.headers["access-control-allow-headers"] == "Content-Type"


def test_head_has_no_body():
    reply = call(make_app(EchoServer()), "HEAD", "/v1/models/echo")
    assert (reply.status, reply.body) == (400, b"")


def test_the_media_type_of_a_request_does_not_matter():
    headers = [("Content-Type", "image/png"), ("Accept", "text/html")]
    app = make_app(EchoServer())
    reply = call(app, "POST", PREDICT, b'{"inputs": 1}', headers)
    assert (reply.status, reply.json) == (200, {"outputs": 2.5})


@pytest.mark.parametrize("code", sorted(Code))
def test_codes(code):
    reply = predict(make_app(Failing(ServingError(code, "why"))), inputs=1)
    assert reply.status == ServingError(code, "").http_status
    assert reply.json == {"error": "why"}
    retry_after = "1" if code == Code.UNAVAILABLE else None
    assert reply.headers.get("retry-after") == retry_after


def test_a_failure_of_the_server_is_logged_and_not_told(caplog):
    with caplog.at_level(logging.ERROR, "keras_vae_serving.rest"):
        reply = predict(
            make_app(Failing(ZeroDivisionError("secret"))), inputs=1
        )
    assert (reply.status, reply.json) == (500, {"error": "Internal error"})
    assert "secret" in caplog.text


def test_an_error_may_hold_any_bytes():
    app = make_app(EchoServer())
    reply = call(app, "POST", PREDICT, b'{"inputs": {"\xff": 1}, "inputs": 2}')
    assert reply.status == 400
    reply = call(app, "POST", PREDICT, b'{"inputs": "\xff\xc3\xa9"}')
    assert reply.body == (
        b'{\n    "error": "JSON Value: \\"\xff\xc3\xa9\\" Type: String is '
        b'not of expected type: float"\n}'
    )
    reply = call(app, "GET", "/v1/models/%ff%0a")
    assert reply.body.endswith(b'versions of model \xff\\n"\n}')


def test_the_order_of_errors():
    """The body is parsed before the model is looked for, and that before
    the signature."""
    app = make_app(EchoServer())
    for path, body, status, words in (
        ("/v1/models/no:predict", b"{", 400, "JSON Parse error"),
        ("/v1/models/no:predict", b'{"signature_name": 1}', 400, "string"),
        ("/v1/models/no:predict", b"{}", 404, "Latest(no)"),
        (PREDICT, b'{"signature_name": "no"}', 400, '"no" not found'),
    ):
        reply = call(app, "POST", path, body)
        assert reply.status == status
        assert words in reply.json["error"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[]", "JSON Value: [] Is not object"),
        (
            b'{"examples": 1}',
            "JSON Value: {\n    \"examples\": 1\n} Expecting 'examples' "
            "value to be an list/array",
        ),
        (
            b'{"examples": []}',
            "JSON Value: {\n    \"examples\": []\n} 'examples' value is an "
            "empty array",
        ),
        (
            b'{"examples": [{}]}',
            "Expected classification signature method_name to be "
            "tensorflow/serving/classify. Was: tensorflow/serving/predict",
        ),
        (
            b'{"examples": [{}], "signature_name": "no"}',
            "No signature was found with the name: no",
        ),
    ],
)
def test_classify(body, message):
    reply = call(make_app(EchoServer()), "POST", EXAMPLES, body)
    assert (reply.status, reply.json) == (400, {"error": message})


def test_regress():
    path = EXAMPLES.replace("classify", "regress")
    body = b'{"examples": [{}]}'
    reply = call(make_app(EchoServer()), "POST", path, body)
    assert reply.json["error"].startswith("Expected regression signature")
    path = path.replace("echo", "no")
    assert call(make_app(EchoServer()), "POST", path, body).status == 404


def test_a_status_with_a_message():
    class Broken(EchoServer):
        def statuses(self, name, version=None):
            found = VersionStatus(
                3, State.LOADING, Code.UNKNOWN, "no file \udcff"
            )
            return [found]

    reply = call(make_app(Broken()), "GET", "/v1/models/echo")
    assert reply.json["model_version_status"] == [
        {
            "version": "3",
            "state": "LOADING",
            "status": {
                "error_code": "UNKNOWN",
                "error_message": "no file ?",
            },
        }
    ]


def test_large_tensors_are_answered_too():
    """They take their way through threads."""
    values = np.arange(50_000, dtype="float32")
    reply = predict(make_app(EchoServer()), inputs=values.tolist())
    found = np.array(reply.json["outputs"], "float32")
    np.testing.assert_array_equal(found, values * np.float32(0.5) + 2)


def test_a_version_stays_loaded_while_it_is_used():
    class Counting(EchoServer):
        held = 0
        seen = None

        @contextlib.contextmanager
        def acquire(self, spec):
            with super().acquire(spec) as servable:
                self.held += 1
                yield servable
                self.held -= 1

        async def predict(self, *arguments, **options):
            self.seen = self.held
            return await super().predict(*arguments, **options)

    server = Counting()
    assert predict(make_app(server), instances=[1]).status == 200
    assert (server.seen, server.held) == (1, 0)


def test_every_error_is_json():
    reply = call(make_app(EchoServer()), "POST", "/v1/models/echo", b"")
    assert reply.headers["content-length"] == str(len(reply.body))
    assert json.loads(reply.body)["error"].startswith("Malformed request: POST")
