"""Every recorded answer of the real server, against ours."""

import http.client
import json
import pathlib

import pytest

from keras_vae_serving.rest.app import make_app
from tests.keras_vae_serving.echo import EchoServer
from tests.keras_vae_serving.rest.caller import Reply, call, serve

pytestmark = pytest.mark.once

FILE = pathlib.Path(__file__).parents[1] / "contract" / "rest.jsonl"
RECORDED = [json.loads(line) for line in FILE.read_text().splitlines()]

# Requests that are answered otherwise, by their method and path: what with,
# and why.
DIFFERENCES = {
    ("GET", "/healthz"): (
        (200, "application/json", {"status": "ok"}),
        "The server has a health endpoint of its own; the real one has none.",
    ),
}
# What comes from TensorFlow's graph, which is not here: the node that failed,
# behind the words of an error; what the outputs are called in the graph; and
# the signature that initialises a SavedModel.
NODE = "\n\t [[{{function_node"
INITIALISER = "__saved_model_init_op"


def compared(text):
    """What is compared of a body: its value; the text where it has none."""
    try:
        value = json.loads(text, parse_constant=str)
    except ValueError:
        # HTML, nothing, and strings that are not UTF-8.
        return "".join(text.split())
    if "error" in value:
        value["error"] = value["error"].partition(NODE)[0]
    if "metadata" in value:
        forget_the_graph(value)
    return value


def forget_the_graph(metadata):
    signatures = metadata["metadata"]["signature_def"]["signature_def"]
    signatures.pop(INITIALISER, None)
    for signature in signatures.values():
        for output in signature["outputs"].values():
            assert output.pop("name")


def expected(pair):
    found = DIFFERENCES.get((pair["method"], pair["path"]))
    if found:
        return found[0]
    return pair["status"], pair["content_type"], compared(pair["response"])


def body_of(pair):
    return (pair["body"] or "").encode("latin-1")


def answered(reply):
    # As the recording shows bytes that are not UTF-8.
    text = reply.body.decode("utf-8", "backslashreplace")
    return reply.status, reply.content_type, compared(text)


def shown(pair):
    return f"{pair['method']} {pair['path']} {pair['body']}"[:80]


def test_the_recording_is_whole():
    assert len(RECORDED) == 95


@pytest.mark.parametrize("pair", RECORDED, ids=shown)
def test_an_answer(pair):
    reply = call(
        make_app(EchoServer()),
        pair["method"],
        pair["path"],
        body_of(pair),
        pair["request_headers"].items(),
    )
    assert answered(reply) == expected(pair)


def test_answers_over_a_socket():
    with serve(make_app(EchoServer())) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for pair in RECORDED:
            connection.request(
                pair["method"],
                pair["path"],
                body_of(pair),
                pair["request_headers"],
            )
            found = connection.getresponse()
            headers = {k.lower(): v for k, v in found.headers.items()}
            reply = Reply(found.status, headers, found.read())
            assert answered(reply) == expected(pair), shown(pair)
        connection.close()


def test_bytes_that_are_not_utf_8_stay_bytes():
    body = b'{"signature_name": "echo_s", "inputs": [{"b64": "/+8="}]}'
    app = make_app(EchoServer())
    reply = call(app, "POST", "/v1/models/echo:predict", body)
    assert reply.body.split() == [b"{", b'"outputs":', b'["\xff\xef"]', b"}"]


@pytest.mark.parametrize("key", DIFFERENCES)
def test_a_listed_difference_is_one(key):
    [pair] = [p for p in RECORDED if (p["method"], p["path"]) == key]
    recorded = compared(pair["response"])
    assert expected(pair) != (pair["status"], pair["content_type"], recorded)
