"""The server keeps to its own description of itself."""

import hypothesis
import jsonschema
import pytest
import schemathesis
from schemathesis import checks

from keras_vae_serving.rest.app import make_app
from keras_vae_serving.rest.openapi import openapi_document
from tests.keras_vae_serving.echo import EchoServer
from tests.keras_vae_serving.rest.caller import PREDICT, call

pytestmark = pytest.mark.once

APP = make_app(EchoServer())
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", APP)
# Left out, because the real server answers 400 to methods that it does not
# know, too.
LEFT_OUT = [checks.unsupported_method]
# What is served, put in the place of what was generated.
SERVED = {"model": "echo", "version": 1, "label": "stable"}


@pytest.mark.slow
@SCHEMA.parametrize()
@hypothesis.settings(deadline=None, max_examples=25)
def test_schemathesis(case):
    response = case.call()
    version = str(case.path_parameters.get("version", ""))
    if version.isdecimal() and int(version) > 2**63 - 1:
        # The real server has no words for these.
        assert (response.status_code, response.content) == (400, b"")
        return
    case.validate_response(response, excluded_checks=LEFT_OUT)


@pytest.mark.slow
@SCHEMA.include(path_regex="/v1/").parametrize()
@hypothesis.settings(deadline=None, max_examples=25)
def test_schemathesis_with_a_model_that_is_served(case):
    for name in case.path_parameters:
        case.path_parameters[name] = SERVED[name]
    response = case.call()
    # Which bodies are right depends on the model: the document cannot tell.
    doubtful = [
        checks.positive_data_acceptance,
        checks.negative_data_rejection,
    ]
    case.validate_response(response, excluded_checks=LEFT_OUT + doubtful)


def validate(name, value):
    document = openapi_document()
    schema = {"$ref": f"#/components/schemas/{name}", **document}
    jsonschema.Draft202012Validator(schema).validate(value)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "schema"),
    [
        ("GET", "/v1/models/echo", b"", 200, "Status"),
        ("GET", "/v1/models/echo/versions/1", b"", 200, "Status"),
        ("GET", "/v1/models/echo/metadata", b"", 200, "Metadata"),
        ("POST", PREDICT, b'{"instances": [1]}', 200, "Answer"),
        ("POST", PREDICT, b'{"inputs": 1}', 200, "Answer"),
        ("POST", PREDICT, b"{}", 400, "Error"),
        ("GET", "/v1/models/none", b"", 404, "Error"),
        ("GET", "/healthz", b"", 200, "Health"),
    ],
)
def test_answers_are_as_described(method, path, body, status, schema):
    reply = call(APP, method, path, body)
    assert reply.status == status
    validate(schema, reply.json)


def test_what_is_described_otherwise_is_refused():
    for name in ("Status", "Metadata", "Answer", "Error", "Health"):
        with pytest.raises(jsonschema.ValidationError):
            validate(name, {})
