"""What the server answers, as an OpenAPI 3.1 document."""

from typing import Any

_Json = dict[str, Any]

# How a path names a version, and what that is called.
_VERSIONS = (
    ("", "the newest version"),
    ("/versions/{version}", "a version"),
    ("/labels/{label}", "the version with a label"),
)
_ERRORS = {
    "400": "The request is wrong; the message says where.",
    "401": "A key is needed, and none that is known was sent.",
    "404": "There is no such model or version.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "429": "The key's requests are used up for now.",
    "500": "The server failed.",
    "501": "A tensor's type cannot be read from JSON.",
    "503": "The server has too much to do, or it is stopping.",
    "504": "The answer took too long.",
}
# Those of a request without a body.
_OF_GET = ("400", "401", "404", "429", "500", "503")
_PARAMETERS = {
    "model": ("A model's name.", {"type": "string", "pattern": "^[^/:]+$"}),
    "version": (
        "A version's number.",
        {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
    ),
    "label": ("A version's label.", {"type": "string", "pattern": "^[^/:]+$"}),
}


def openapi_document() -> _Json:
    """Returns the document."""
    paths: _Json = {}
    for part, of_what in _VERSIONS:
        path = f"/v1/models/{{model}}{part}"
        paths[path] = _get(path, f"Status of {of_what}", "Status")
        paths[f"{path}/metadata"] = _get(
            path, f"Signatures of {of_what}", "Metadata"
        )
        paths[f"{path}:predict"] = _predict(path, of_what)
    for path, summary in _PROBES.items():
        paths[path] = _probe(summary)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "TensorFlow Serving's REST API, for exported VAEs",
            "version": "1",
            "description": _DESCRIPTION,
        },
        "paths": paths,
        "components": {"schemas": _SCHEMAS},
    }


_DESCRIPTION = (
    "Answers may hold NaN, Infinity and -Infinity, which are not JSON; "
    "strings of tensors may hold any bytes. Requests may hold them, too, and "
    "may be packed with gzip."
)
_PROBES = {
    "/healthz": "Whether the server runs",
    "/readyz": "Whether every model has a version that answers",
}


def _get(path: str, summary: str, schema: str) -> _Json:
    operation = {
        "summary": summary,
        "parameters": _parameters(path),
        "responses": _responses(schema, _OF_GET),
    }
    return {"get": operation}


def _predict(path: str, of_what: str) -> _Json:
    operation = {
        "summary": f"Run a signature of {of_what}",
        "parameters": _parameters(path),
        "requestBody": {"required": True, "content": _content("Request")},
        "responses": _responses("Answer", tuple(_ERRORS)),
    }
    return {"post": operation}


def _probe(summary: str) -> _Json:
    operation = {
        "summary": summary,
        "responses": {
            "200": {"description": "It does.", "content": _content("Health")},
            "503": {
                "description": "It does not.",
                "content": _content("Health"),
            },
        },
    }
    return {"get": operation}


def _parameters(path: str) -> list[_Json]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": description,
            "schema": schema,
        }
        for name, (description, schema) in _PARAMETERS.items()
        if f"{{{name}}}" in path
    ]


def _responses(schema: str, errors: tuple[str, ...]) -> _Json:
    answered: _Json = {
        "200": {"description": "The answer.", "content": _content(schema)}
    }
    for code in errors:
        answered[code] = {
            "description": _ERRORS[code],
            "content": _content("Error"),
        }
    return answered


def _content(schema: str) -> _Json:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"application/json": {"schema": reference}}


def _object(required: bool = True, **properties: _Json) -> _Json:
    found: _Json = {"type": "object", "properties": properties}
    if required:
        found["required"] = list(properties)
    return found


def _one_of(*keys: str) -> list[_Json]:
    return [{"required": [key]} for key in keys]


_TEXT = {"type": "string"}
_NUMBER_TEXT = {"type": "string", "pattern": "^-?[0-9]+$"}
_TENSOR = _object(
    name=_TEXT,
    dtype=_TEXT,
    tensor_shape=_object(
        dim={
            "type": "array",
            "items": _object(size=_NUMBER_TEXT, name=_TEXT),
        },
        unknown_rank={"type": "boolean"},
    ),
)
_TENSORS = {"type": "object", "additionalProperties": _TENSOR}
_SIGNATURE = _object(
    inputs=_TENSORS,
    outputs=_TENSORS,
    method_name=_TEXT,
    defaults={"type": "object"},
)
_SCHEMAS = {
    "Error": _object(error=_TEXT),
    "Health": _object(status={"enum": ["ok", "unavailable"]}),
    "Request": {
        **_object(
            False,
            signature_name=_TEXT,
            instances={
                "type": "array",
                "minItems": 1,
                "description": "Rows: of the one input, or objects of all.",
            },
            inputs={
                "description": "The one input's tensor, or an object of all."
            },
        ),
        "oneOf": _one_of("instances", "inputs"),
    },
    "Answer": {
        **_object(
            False,
            predictions={
                "type": "array",
                "description": "Rows, if the request had `instances`.",
            },
            outputs={"description": "Tensors, if the request had `inputs`."},
        ),
        "oneOf": _one_of("predictions", "outputs"),
    },
    "Status": _object(
        model_version_status={
            "type": "array",
            "items": _object(
                version=_NUMBER_TEXT,
                state=_TEXT,
                status=_object(error_code=_TEXT, error_message=_TEXT),
            ),
        }
    ),
    "Metadata": _object(
        model_spec=_object(
            name=_TEXT, version=_NUMBER_TEXT, signature_name=_TEXT
        ),
        metadata=_object(
            signature_def=_object(
                signature_def={
                    "type": "object",
                    "additionalProperties": _SIGNATURE,
                }
            )
        ),
    ),
}
