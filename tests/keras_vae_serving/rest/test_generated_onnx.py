"""Generated requests to a real model: a store, batches, onnxruntime."""

import asyncio
import contextlib
import json

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis import checks

from keras_vae_serving.batched_server import BatchedModelServer
from keras_vae_serving.batching import Scheduler
from keras_vae_serving.checks import InputLimits
from keras_vae_serving.operations.metrics import Metrics
from keras_vae_serving.rest.app import make_app
from keras_vae_serving.store.model_store import ModelStore
from keras_vae_serving.store.sources import ModelsDirectory
from tests.keras_vae_serving.directories import (
    SIGNATURES,
    LinearModel,
    write_version,
)
from tests.keras_vae_serving.rest.caller import ask
from tests.keras_vae_serving.rest.test_generated import VALUES

pytestmark = [pytest.mark.once, pytest.mark.slow]

PREDICT = "/v1/models/digits:predict"
LIMITS = InputLimits(max_num_samples=50, max_rows=50)
MODEL = LinearModel(event_shape=(2, 2, 1), latent_dim=2, recurrent=True)
PATH = {"model": "digits", "version": 1, "label": "none"}
NUMBERS = st.integers(-3, 60) | st.floats(width=32) | st.integers()
# What a signature wants, or nearly.
INPUTS = {
    "z": st.lists(NUMBERS, min_size=1, max_size=3),
    "x": st.just([[[1.0], [0.5]], [[0], [1]]]) | VALUES,
    "seed": NUMBERS,
    "temperature": NUMBERS,
    "num_samples": st.integers(-3, 60) | NUMBERS,
}
ROWS = st.dictionaries(st.sampled_from([*INPUTS]), st.none(), max_size=3)


@st.composite
def documents(draw):
    """Requests in both forms; about half of them are right."""
    signature = draw(st.sampled_from([*SIGNATURES, "generate_png", ""]))
    names = [*MODEL.specs().get(signature, ({"z": 0},))[0]]
    if draw(st.integers(0, 5)) == 0:
        names = [*draw(ROWS)]
    count = draw(st.integers(0, 3))
    rows = [{name: draw(INPUTS[name]) for name in names} for _ in range(count)]
    if signature == "generate" and rows:
        return {"signature_name": signature, "inputs": rows[0]}
    if draw(st.booleans()):
        columns = {name: [row[name] for row in rows] for name in names}
        return {"signature_name": signature, "inputs": columns}
    return {"signature_name": signature, "instances": rows}


@contextlib.contextmanager
def served(path):
    """The REST front end of a model, and what runs it."""
    write_version(path / "digits", model=MODEL)
    store, scheduler = ModelStore(ModelsDirectory(path)), Scheduler()
    with asyncio.Runner() as runner:
        runner.run(store.start())
        server = BatchedModelServer(store, scheduler, LIMITS, Metrics())
        try:
            yield make_app(server), runner
        finally:
            runner.run(store.stop())
            scheduler.close()


def test_generated_requests(tmp_path):
    seen = []
    with served(tmp_path) as (app, runner):

        @hypothesis.settings(deadline=None, max_examples=200, database=None)
        @hypothesis.given(documents())
        def check_one(document):
            body = json.dumps(document).encode()
            reply = runner.run(ask(app, "POST", PREDICT, body))
            assert reply.status in (200, 400)
            value = json.loads(reply.body)
            assert (reply.status == 200) == ("error" not in value)
            seen.append(reply.status)

        check_one()
    # Neither are all of them wrong, nor all right.
    assert min(seen.count(200), seen.count(400)) >= 20


def test_schemathesis(tmp_path):
    """The document holds of a real model, too."""
    left_out = [
        checks.unsupported_method,
        checks.positive_data_acceptance,
        checks.negative_data_rejection,
    ]
    with served(tmp_path) as (app, _):
        schema = schemathesis.openapi.from_asgi("/openapi.json", app)
        operations = [one.ok() for one in schema.get_all_operations()]
        assert len(operations) > 5
        for operation in operations:

            @hypothesis.settings(deadline=None, max_examples=8, database=None)
            @hypothesis.given(operation.as_strategy())
            def check_one(case):
                for name in case.path_parameters:
                    case.path_parameters[name] = PATH[name]
                response = case.call()
                case.validate_response(response, excluded_checks=left_out)

            check_one()
