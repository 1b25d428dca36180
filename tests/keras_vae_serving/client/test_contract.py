"""The answers that a real TensorFlow Serving was seen to give."""

import base64
import json
import math
import pathlib

import numpy as np
import pytest

from keras_vae_serving import Client
from keras_vae_serving.client.rest_messages import content_of, outputs_of
from keras_vae_serving.rpc import messages
from keras_vae_serving.status import Code, ServingError
from tests.keras_vae_serving.client.rpc_standin import RpcStandIn
from tests.keras_vae_serving.client.standin import StandIn

pytestmark = pytest.mark.once

TESTS = pathlib.Path(__file__).parents[1]
RECORDED = [
    json.loads(line)
    for line in (TESTS / "contract" / "rest.jsonl").read_text().splitlines()
]
REFUSED = [one for one in RECORDED if one["status"] != 200]
COLUMNS = [
    one
    for one in RECORDED
    if one["status"] == 200
    and '"inputs"' in (one["body"] or "")
    and "echo_s" not in one["body"]  # no signature of a VAE has strings
]
OF_MODELS = [
    one for one in RECORDED if one["status"] == 200 and one["method"] == "GET"
]
CODES = {
    400: Code.INVALID_ARGUMENT,
    404: Code.NOT_FOUND,
    501: Code.UNIMPLEMENTED,
}
NOT_IN_NUMPY = ("DT_STRING", "DT_BFLOAT16")
TENSORS = [
    json.loads(line)
    for line in (TESTS / "rpc" / "recorded" / "tensors.jsonl")
    .read_text()
    .splitlines()
]


def words(recorded):
    """The recorded message, where the body is JSON that holds one."""
    try:
        return json.loads(recorded["response"])["error"]
    except (ValueError, KeyError):
        return None


@pytest.mark.parametrize("recorded", REFUSED, ids=lambda one: one["path"])
def test_refusals(recorded):
    body = recorded["response"].encode("latin-1", "replace")
    with StandIn(lambda _: (recorded["status"], body)) as server:
        with Client(server.url, "echo", retries=0) as client:
            with pytest.raises(ServingError) as caught:
                client.decode([[1.0]])
    assert caught.value.code == CODES[recorded["status"]]
    expected = words(recorded)
    if expected is None:
        expected = f"HTTP {recorded['status']}: {recorded['response'][:200]!r}"
    assert caught.value.message == expected.encode("latin-1", "replace").decode(
        "utf-8", "replace"
    )


@pytest.mark.parametrize("recorded", COLUMNS, ids=lambda one: one["body"][:40])
def test_outputs(recorded):
    body = recorded["response"].encode("latin-1")
    expected = json.loads(body)["outputs"]
    if not isinstance(expected, dict):
        expected = {"y": expected}
    found = outputs_of(200, body, "y")
    assert {k: v.tolist() for k, v in found.items()} == expected
    integers = all(type(v) is int for v in np.ravel(expected.get("y", [0.5])))
    if integers and np.size(expected["y"]):
        assert found["y"].dtype.kind in "iu"


def test_what_is_not_finite():
    found = [one for one in RECORDED if "nonfinite" in (one["body"] or "")]
    assert found
    for recorded in found:
        body = recorded["response"].replace("predictions", "outputs")
        (y,) = outputs_of(200, body.encode(), "y").values()
        assert y.dtype == np.float32
        assert not math.isfinite(y.min())


def test_files():
    found = [one for one in RECORDED if "bytes_out" in (one["body"] or "")]
    assert found
    for recorded in found:
        body = recorded["response"].replace("predictions", "outputs")
        expected = [
            base64.b64decode(one["b64"]) for one in json.loads(body)["outputs"]
        ]
        outputs = outputs_of(200, body.encode(), "y_bytes")
        assert list(outputs["y_bytes"]) == expected


@pytest.mark.parametrize("recorded", OF_MODELS, ids=lambda one: one["path"])
def test_status_and_metadata(recorded):
    body = recorded["response"].encode()
    expected = json.loads(body)
    assert content_of(200, body) == expected
    with StandIn(lambda _: (200, body)) as server:
        with Client(server.url, "echo") as client:
            assert client.metadata() == expected
            if "model_version_status" in expected:
                client.wait_until_ready(1)
            assert server.asked[0].path == "/v1/models/echo/metadata"


def test_requests_are_such_as_the_real_server_answered():
    """One input stands in an object, several in one; scalars are bare."""
    seen = []

    def note(asked):
        seen.append(asked.body)
        return 200, '{"outputs": {"x": [[1.0]], "z": [[2.0]]}}'

    with StandIn(note) as server, Client(server.url, "vae") as caller:
        caller.decode([[1.0, 2.5]])
        caller.generate(3, -1, 0.5)
        caller.generate_rows([2**63 - 1], [2.0])
        caller.decode([[math.nan, math.inf], [-math.inf, 0.1]])
    assert seen[0] == {"signature_name": "decode", "inputs": {"z": [[1, 2.5]]}}
    assert seen[1]["inputs"] == {
        "num_samples": 3,
        "seed": -1,
        "temperature": 0.5,
    }
    assert type(seen[1]["inputs"]["num_samples"]) is int
    rows = {"seed": [2**63 - 1], "temperature": [2.0]}
    assert seen[2]["inputs"] == rows
    np.testing.assert_array_equal(
        np.float32(seen[3]["inputs"]["z"]),
        np.float32([[math.nan, math.inf], [-math.inf, 0.1]]),
    )


@pytest.mark.parametrize("form", ["typed", "content"])
@pytest.mark.parametrize(
    "recorded",
    [
        one
        for one in TENSORS
        if one["dtype"] not in ("DT_STRING", "DT_BFLOAT16")
    ],
    ids=lambda one: f"{one['dtype']}-{one['shape']}",
)
def test_tensors_of_grpc(recorded, form):
    """Each type of tensor, as TensorFlow itself wrote it, in both forms."""
    response = messages.PredictResponse()
    tensor = base64.b64decode(recorded[form])
    response.outputs["x"].MergeFromString(tensor)
    with RpcStandIn(lambda _: response) as server:
        with Client(server.address, "echo") as client:
            found = client.decode([[1.0]])
    assert found.flags.writeable
    assert list(found.shape) == recorded["shape"]
    assert found.tobytes() == base64.b64decode(recorded["values"])


@pytest.mark.parametrize(
    "data", [b"", b"\x08\x01\x12\x04\x12\x02\x08\x02*\x00"]
)
def test_tensors_that_are_none(data):
    response = messages.PredictResponse()
    response.outputs["x"].MergeFromString(data)
    response.outputs["x"].float_val.extend([1.0] * 5)
    with RpcStandIn(lambda _: response) as server:
        with Client(server.address, "echo") as client:
            message = "not as agreed: an output cannot be read"
            with pytest.raises(ServingError, match=message) as caught:
                client.decode([[1.0]])
    assert caught.value.code == Code.INTERNAL
