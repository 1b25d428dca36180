"""Servers that are not there, go away, or answer something else."""

import socket
import time

import numpy as np
import pytest

from keras_vae_serving.status import Code, ServingError
from tests.keras_vae_serving.client.both import connect
from tests.keras_vae_serving.client.forwarder import Forwarder
from tests.keras_vae_serving.client.rpc_standin import RpcStandIn
from tests.keras_vae_serving.client.standin import StandIn

pytestmark = pytest.mark.once

OUTPUTS = '{\n    "outputs": [[0.5]\n    ]\n}'
LOST = "connection broke before the whole answer.*may have been carried out"


def refused_address(protocol):
    """An address that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"127.0.0.1:{listener.getsockname()[1]}"
    return f"http://{place}" if protocol == "rest" else place


def test_nobody_is_there(protocol, kind):
    address = refused_address(protocol)
    start = time.monotonic()
    with connect(kind, address, "digits", retries=1) as client:
        message = "The server could not be reached: .*[Cc]onnect"
        with pytest.raises(ServingError, match=message) as caught:
            client.generate(1)
    assert caught.value.code == Code.UNAVAILABLE
    assert 0.05 <= time.monotonic() - start < 5  # It was tried again.


def test_a_name_that_nobody_has(protocol, kind):
    address = (
        "http://nobody.invalid:1" if protocol == "rest" else "nobody.invalid:1"
    )
    with connect(kind, address, "digits", retries=0) as client:
        with pytest.raises(
            ServingError, match="could not be reached"
        ) as caught:
            client.generate(1)
    assert caught.value.code == Code.UNAVAILABLE


def test_a_request_that_may_have_been_done_is_not_sent_twice(kind):
    with StandIn(lambda _: None) as server:
        with connect(kind, server.url, "digits", retries=3) as client:
            with pytest.raises(ServingError, match=LOST) as caught:
                client.decode([[1.0]])
        assert caught.value.code == Code.UNKNOWN
        assert len(server.asked) == 1


@pytest.mark.parametrize("ending", ["stop", "close", "reset"])
def test_grpc_does_not_send_it_twice(kind, ending):
    """gRPC calls all of these UNAVAILABLE."""

    def end(_):
        if ending == "stop":
            server.stop()
        else:
            wire.cut(reset=ending == "reset")

    with RpcStandIn(end) as server, Forwarder(server.port) as wire:
        with connect(kind, wire.address, "digits", retries=3) as client:
            with pytest.raises(ServingError, match=LOST) as caught:
                client.decode([[1.0]])
        assert caught.value.code == Code.UNKNOWN
        assert len(server.asked) == 1


def test_an_answer_that_breaks_off(kind):
    def cut(asked):
        return 200, OUTPUTS, len(OUTPUTS) + 1

    with StandIn(cut) as server:
        with connect(kind, server.url, "digits", timeout_s=2) as client:
            with pytest.raises(ServingError, match=LOST) as caught:
                client.decode([[1.0]])
        assert caught.value.code == Code.UNKNOWN
        assert len(server.asked) == 1


def test_a_server_that_does_not_answer(protocol, kind):
    server = StandIn(slow) if protocol == "rest" else RpcStandIn(slow)
    with server:
        address = server.url if protocol == "rest" else server.address
        with connect(kind, address, "digits", timeout_s=0.2) as client:
            start = time.monotonic()
            message = "did not answer within 0.2 s"
            with pytest.raises(ServingError, match=message) as caught:
                client.decode([[1.0]])
            assert time.monotonic() - start < 1.5
        assert caught.value.code == Code.DEADLINE_EXCEEDED
        assert len(server.asked) == 1


def slow(_):
    time.sleep(1)
    return None


def test_an_answer_that_trickles_is_late_too(kind):
    """The time is that of the whole request, not of each reading."""
    with StandIn(lambda _: (200, OUTPUTS, None, 0.1)) as server:
        with connect(kind, server.url, "digits", timeout_s=0.4) as client:
            start = time.monotonic()
            with pytest.raises(ServingError, match="within 0.4 s"):
                client.decode([[1.0]])
            assert time.monotonic() - start < 1.5


@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (400, '{"error": "Words"}', Code.INVALID_ARGUMENT, "^Words$"),
        (400, '{"error": "\udcff\\u00e9"}', Code.INVALID_ARGUMENT, "^\ufffdé$"),
        (400, "", Code.INVALID_ARGUMENT, "^HTTP 400: ''$"),
        (400, '{"error": 5}', Code.INVALID_ARGUMENT, "HTTP 400: .*error"),
        (301, "", Code.UNKNOWN, "^HTTP 301: ''$"),
        (401, '{"error": "Words"}', Code.UNAUTHENTICATED, "^Words$"),
        (403, '{"error": "Words"}', Code.PERMISSION_DENIED, "^Words$"),
        (404, "<html>No</html>", Code.NOT_FOUND, "HTTP 404: '<html>No</html>'"),
        (408, '{"error": "Words"}', Code.DEADLINE_EXCEEDED, "^Words$"),
        (409, '{"error": "Words"}', Code.ABORTED, "^Words$"),
        (413, '{"error": "Words"}', Code.INVALID_ARGUMENT, "^Words$"),
        (429, '{"error": "Words"}', Code.RESOURCE_EXHAUSTED, "^Words$"),
        (499, '{"error": "Words"}', Code.CANCELLED, "^Words$"),
        (500, '{"error": "Words"}', Code.INTERNAL, "^Words$"),
        (501, '{"error": "Words"}', Code.UNIMPLEMENTED, "^Words$"),
        (502, "x" * 999, Code.UNKNOWN, "HTTP 502: 'x{200}'$"),
        (504, '{"error": "Words"}', Code.DEADLINE_EXCEEDED, "^Words$"),
        (200, "", Code.INTERNAL, "not as agreed: no JSON but ''"),
        (200, "[" * 99_999, Code.INTERNAL, "not as agreed: no JSON but"),
        (200, "[1, 2]", Code.INTERNAL, "no outputs in '.1, 2.'"),
        (200, '{"outputs": [[1], 2]}', Code.INTERNAL, "x is no array"),
        (200, '{"outputs": ["a"]}', Code.INTERNAL, "x holds no numbers"),
        (
            200,
            '{"outputs": {"y": [1.0]}}',
            Code.INTERNAL,
            "outputs without 'x'",
        ),
    ],
)
def test_other_answers(kind, status, body, code, message):
    with StandIn(lambda _: (status, body)) as server:
        with connect(kind, server.url, "digits", retries=3) as client:
            with pytest.raises(ServingError, match=message) as caught:
                client.decode([[1.0]])
        assert caught.value.code == code
        assert len(server.asked) == 1  # It was not sent again.


@pytest.mark.parametrize("body", ["{}", '{"outputs": [{"b64": "!"}]}'])
def test_files_that_are_none(kind, body):
    with StandIn(lambda _: (200, body)) as server:
        with connect(kind, server.url, "digits") as client:
            with pytest.raises(ServingError, match="not as agreed") as caught:
                client.generate_png([1])
    assert caught.value.code == Code.INTERNAL


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        '{"metadata": {"signature_def": {"signature_def": 5}}}',
        '{"metadata": {"signature_def": {"signature_def": {"decode": {}}}}}',
    ],
)
def test_metadata_that_is_none(kind, body):
    with StandIn(lambda _: (200, body)) as server:
        with connect(kind, server.url, "digits") as client:
            with pytest.raises(ServingError, match="not as agreed: metadata"):
                client.decode(np.zeros((0, 3)))


def test_status_that_is_none(kind):
    with StandIn(lambda _: (200, "{}")) as server:
        with connect(kind, server.url, "digits") as client:
            with pytest.raises(ServingError, match="not as agreed: a status"):
                client.wait_until_ready(0.2)


def test_503_is_sent_again_until_it_is_answered(kind):
    answers = [(503, '{"error": "Full"}')] * 2 + [(200, OUTPUTS)]
    with StandIn(lambda _: answers.pop(0)) as server:
        with connect(kind, server.url, "digits", retries=2) as client:
            assert client.decode([[1.0]]) == [[0.5]]
        assert len(server.asked) == 3
        assert server.num_connections == 1


def test_unavailable_is_sent_again_until_it_is_answered(kind):
    answers = [Code.UNAVAILABLE, Code.UNAVAILABLE, None]
    with RpcStandIn(lambda _: answers.pop(0)) as server:
        with connect(kind, server.address, "digits", retries=2) as client:
            assert client.decode([[1.0]]) == [[0.5]]
        assert len(server.asked) == 3


@pytest.mark.parametrize("code", set(Code) - {Code.OK, Code.UNAVAILABLE})
def test_codes_of_grpc(kind, code):
    with RpcStandIn(lambda _: code) as server:
        with connect(kind, server.address, "digits", retries=2) as client:
            with pytest.raises(ServingError, match="^Words$") as caught:
                client.decode([[1.0]])
        assert caught.value.code == code
        assert len(server.asked) == 1


def test_grpc_where_rest_is_spoken(kind):
    with StandIn(lambda _: (200, OUTPUTS)) as server:
        address = server.url.removeprefix("http://")
        with connect(kind, address, "digits", retries=0) as client:
            with pytest.raises(ServingError, match="could not be reached"):
                client.decode([[1.0]])


def test_rest_where_grpc_is_spoken(kind):
    with RpcStandIn() as server:
        with connect(kind, f"http://{server.address}", "digits") as client:
            message = "no HTTP/1.1 .*Is this the port of REST"
            with pytest.raises(ServingError, match=message) as caught:
                client.decode([[1.0]])
    assert caught.value.code == Code.INTERNAL
