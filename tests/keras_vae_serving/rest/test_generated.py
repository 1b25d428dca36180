"""Requests that nobody thought of: none may break the server."""

import asyncio
import gzip
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_vae_serving.checks import InputLimits, check_inputs
from keras_vae_serving.rest.app import make_app
from keras_vae_serving.status import invalid
from tests.keras_vae_serving.echo import EchoServer
from tests.keras_vae_serving.rest.caller import ask

pytestmark = pytest.mark.once

MAX_SECONDS = 1.0
MAX_COUNT = 1000
SIGNATURES = sorted(EchoServer().echoes[1].signatures)
METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "X")

PART = st.sampled_from(
    ["v1", "V1", "models", "Models", "echo", "versions", "labels", "metadata"]
    + ["1", "2", "9" * 30, "stable", "none", "", ".", "..", "ec%68o", "%ff%0a"]
) | st.text(st.characters(codec="latin-1"), max_size=5)
END = st.sampled_from(
    ["", ":predict", ":classify", ":regress", ":Predict", "/", "?x=1", "%"]
)
TARGETS = st.one_of(
    st.just("/v1/models/echo:predict"),
    st.builds("/v1/models/echo{}".format, END),
    st.builds(
        lambda parts, end: f"/{'/'.join(parts)}{end}", st.lists(PART), END
    ),
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            ["Origin", "Content-Encoding", "Content-Length", "Content-Type"]
            + ["Accept-Encoding", "Transfer-Encoding", "Connection", "X"]
        ),
        st.sampled_from(["gzip", "br", "0", "-1", "9" * 30, "application/json"])
        | st.text(st.characters(codec="ascii"), max_size=5),
    ),
    max_size=3,
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.integers(-3, 3)
    | st.floats()
    | st.text(max_size=4)
    | st.just({"b64": "AA=="}),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["x", "a", "n", "k", "t"]), inner)
    ),
    max_leaves=12,
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "instances": VALUES | st.lists(VALUES, min_size=1, max_size=4),
        "inputs": VALUES,
        "signature_name": st.sampled_from(SIGNATURES) | VALUES,
        "examples": VALUES,
    },
)
# Near to what is right: one form, a signature that there is.
CLOSE = st.builds(
    lambda form, signature, value: {form: value, "signature_name": signature},
    st.sampled_from(["inputs", "instances"]),
    st.sampled_from(SIGNATURES),
    VALUES | st.lists(st.integers(-3, 300) | st.floats(), max_size=4),
)


@st.composite
def bodies(draw):
    kind = draw(st.sampled_from(["close", "document", "broken", "bytes"]))
    if kind == "bytes":
        return draw(st.binary(max_size=30))
    body = json.dumps(draw(CLOSE if kind == "close" else DOCUMENTS)).encode()
    if kind == "broken":
        cut = draw(st.integers(0, len(body)))
        body = body[:cut] + draw(st.binary(max_size=3)) + body[cut + 1 :]
    return gzip.compress(body) if draw(st.integers(0, 9)) == 0 else body


class CheckedServer(EchoServer):
    """Lets through to `echo` only what fits it, as the model server does."""

    async def predict(self, servable, signature, inputs, deadline=None):
        check_inputs(servable.signatures[signature], inputs, InputLimits())
        if int(inputs.get("k", 0)) > MAX_COUNT:
            raise invalid("Too many")
        return await super().predict(servable, signature, inputs, deadline)


def check(runner, app, method, target, headers, body):
    """Sends a request, and looks at its answer."""
    start = time.process_time()
    reply = runner.run(ask(app, method, target, body, headers))
    assert time.process_time() - start < MAX_SECONDS
    assert reply.headers["content-length"] == str(len(reply.body))
    assert reply.status in (200, 400, 404, 405, 413, 501)
    if reply.status == 501:
        assert b"Conversion of JSON Value" in reply.body
    if reply.body and reply.content_type == "application/json":
        # Latin-1, because strings may be any bytes.
        value = json.loads(reply.body.decode("latin-1"))
        assert (reply.status == 200) == ("error" not in value)


def run_generated(count, **strategies):
    """Checks so many requests, made of these parts."""
    seen = 0
    app = make_app(CheckedServer())
    with asyncio.Runner() as runner:

        @settings(deadline=None, max_examples=count, database=None)
        @given(**strategies)
        def check_one(**parts):
            nonlocal seen
            seen += 1
            check(runner, app, **parts)

        check_one()
    assert seen >= count


def test_predictions():
    run_generated(
        500,
        method=st.just("POST"),
        target=st.just("/v1/models/echo:predict"),
        headers=st.sampled_from([[], [("Content-Encoding", "gzip")]]),
        body=bodies(),
    )


def test_whole_requests():
    run_generated(
        300,
        method=st.sampled_from(METHODS),
        target=TARGETS,
        headers=HEADERS,
        body=bodies(),
    )
