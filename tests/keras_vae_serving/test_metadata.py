"""What `.../metadata` answers, against a real server's answer."""

import json
import pathlib

import pytest

from keras_vae_serving import metadata
from tests.keras_vae_serving.echo import Echo

pytestmark = pytest.mark.once

PATH = "/v1/models/echo/metadata"
# A SavedModel has an operation that initializes it; an ONNX file has none.
LEFT_OUT = "__saved_model_init_op"


@pytest.fixture(scope="module")
def recorded():
    file = pathlib.Path(__file__).parent / "contract" / "rest.jsonl"
    pairs = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    (pair,) = [one for one in pairs if one["path"] == PATH]
    return json.loads(pair["response"])


def test_it_is_what_was_recorded(recorded):
    described = metadata.model_metadata(Echo(2))
    described = json.loads(json.dumps(described))
    for answer in (described, recorded):
        signatures = answer["metadata"]["signature_def"]["signature_def"]
        signatures.pop(LEFT_OUT, None)
        for signature in signatures.values():
            for output in signature["outputs"].values():
                # A graph's own names for what it computes.
                assert output.pop("name")
    assert described == recorded
