"""Requests in JSON: what they ask for, and the tensors that they bring."""

import enum
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from keras_vae_serving.rest.body import BodyError
from keras_vae_serving.rest.echo import echo
from keras_vae_serving.rest.json_limits import JsonLimitError
from keras_vae_serving.rest.json_parser import parse
from keras_vae_serving.rest.json_text import Json, readable, wire
from keras_vae_serving.rest.rows import Inputs, read_rows
from keras_vae_serving.rest.strings import is_base64
from keras_vae_serving.rest.syntax_error import JsonSyntaxError
from keras_vae_serving.rest.tensors import to_array
from keras_vae_serving.servable import DEFAULT_SIGNATURE, Servable, Signature
from keras_vae_serving.status import invalid


class Form(enum.Enum):
    """How a request writes its tensors, and how it is answered."""

    ROW = "instances"
    COLUMNAR = "inputs"


class Request(NamedTuple):
    """A body that is an object with a signature's name in it.

    Attributes:
        document: The object.
        signature: The name it gives; the default one if it gives none.
    """

    document: dict
    signature: str


class Tensors(NamedTuple):
    """What a request brings: its form, and the inputs by name."""

    form: Form
    inputs: dict[str, np.ndarray]


def read_request(
    body: bytes, is_over: Callable[[], bool] = lambda: False
) -> Request:
    """Parses a body, as far as that needs no model.

    Args:
        body: As it came.
        is_over: Whether nobody waits for it any more.

    Raises:
        ServingError: INVALID_ARGUMENT, if it is not such an object.
        BodyError: if it holds too much.
        GivenUp: if `is_over` says so.
    """
    try:
        document = parse(body, is_over)
    except JsonSyntaxError as error:
        raise invalid(str(error)) from None
    except JsonLimitError as error:
        raise BodyError(413, str(error), is_read=True) from None
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {echo(document)} Is not object")
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {echo(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    return Request(document, readable(name) or DEFAULT_SIGNATURE)


def find_signature(servable: Servable, name: str) -> Signature:
    """Returns a servable's signature.

    Raises:
        ServingError: INVALID_ARGUMENT, if there is none of that name, or it
            takes no inputs.
    """
    found = servable.signatures.get(name)
    if found is None:
        raise invalid(
            f'Serving signature name: "{name}" not found in signature def'
        )
    if not found.inputs:
        shown = "DEFAULT" if name == DEFAULT_SIGNATURE else name
        raise invalid(f"Failed to get input map for signature: {shown}")
    return found


def read_tensors(document: dict, inputs: Inputs) -> Tensors:
    """Reads the tensors of a request.

    Args:
        document: The request's object.
        inputs: Those of the signature that it names.

    Raises:
        ServingError: about the first thing that is wrong.
    """
    form = _form(document)
    value = document[form.value]
    if form is Form.ROW:
        found = read_rows(_checked_rows(document, value), inputs)
    else:
        found = _read_columns(value, inputs)
    _check_complete(found, inputs)
    return Tensors(form, found)


def _form(document: dict) -> Form:
    forms = [form for form in Form if form.value in document]
    if len(forms) > 1:
        raise invalid(
            f"JSON Value: {echo(document)} Not formatted correctly expecting "
            "only one of 'inputs' or 'instances' keys to exist "
        )
    if not forms:
        raise invalid("Missing 'inputs' or 'instances' key")
    return forms[0]


def _checked_rows(document: dict, rows: Json) -> list:
    if not isinstance(rows, list):
        raise invalid(
            f"JSON Value: {echo(document)} Expecting 'instances' to be an "
            "list/array"
        )
    if not rows:
        raise invalid(
            f"JSON Value: {echo(document)} No values in 'instances' array"
        )
    return rows


def _read_columns(value: Json, inputs: Inputs) -> dict[str, np.ndarray]:
    """Reads `inputs`: the tensor of the one input, or an object of tensors."""
    if isinstance(value, dict) and not is_base64(value):
        return {
            name: to_array(name, _named(value, name), info.dtype)
            for name, info in sorted(inputs.items())
        }
    if len(inputs) > 1:
        raise invalid(
            "inputs is a plain value/list, but expecting an object as "
            "multiple input tensors required as per tensorinfo_map"
        )
    return {
        name: to_array(name, value, info.dtype) for name, info in inputs.items()
    }


def _named(value: dict, name: str) -> Json:
    key = wire(name)
    if key not in value:
        raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return value[key]


def _check_complete(found: dict[str, np.ndarray], inputs: Inputs) -> None:
    """Raises if inputs are missing: rows in base64 bring only one."""
    missing = ",".join(sorted(set(inputs) - set(found)))
    if missing:
        given, needed = ",".join(found), ",".join(sorted(inputs))
        raise invalid(
            f"input size does not match signature: {len(found)}!="
            f"{len(inputs)} len({{{given}}}) != len({{{needed}}}). Sent "
            f"extra: {{}}. Missing but required: {{{missing}}}."
        )
