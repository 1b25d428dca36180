"""What requests mean, and what is said of those that are wrong."""

import json
import math

import numpy as np
import pytest

from keras_vae_serving import dtypes
from keras_vae_serving.rest.from_json import (
    find_signature,
    read_request,
    read_tensors,
)
from keras_vae_serving.servable import Signature, TensorInfo
from keras_vae_serving.status import Code, ServingError
from tests.keras_vae_serving.echo import Echo

pytestmark = pytest.mark.once

TYPE = "JSON Value: {} Type: {} is not of expected type: float"
LEVEL = "Encountered list at unexpected level: {} expected < {}"
SIZE = "Encountered list at unexpected size: 1 at level: 1 expected size: {}"
DOM = (
    "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. "
    "Expected at level: 2"
)
NOT_AN_OBJECT = "Expecting object but got list at item 1 of input list"
AN_OBJECT = "Expecting value/list but got object at item 1 of input list"
ROW = "Failed to process element: {} of 'instances' list. "
ROW_ERROR = ROW + "Error: INVALID_ARGUMENT: "
BASE64 = " not formatted correctly for base64 data"


def read_body(body, signature="serving_default"):
    """Returns the arrays of a request to `echo`."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = read_request(text)
    inputs = find_signature(Echo(), signature).inputs
    return read_tensors(request.document, inputs).inputs


def message_of(body, signature="serving_default"):
    with pytest.raises(ServingError) as caught:
        read_body(body, signature)
    assert caught.value.code == Code.INVALID_ARGUMENT
    return caught.value.message


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "Missing 'inputs' or 'instances' key"),
        (
            {"instances": [1], "inputs": [1]},
            'JSON Value: {\n    "instances": [1],\n    "inputs": [1]\n} Not '
            "formatted correctly expecting only one of 'inputs' or "
            "'instances' keys to exist ",
        ),
        (
            {"instances": []},
            "JSON Value: {\n    \"instances\": []\n} No values in 'instances' "
            "array",
        ),
        (
            {"instances": None},
            "JSON Value: {\n    \"instances\": null\n} Expecting 'instances' "
            "to be an list/array",
        ),
        (
            {"instances": [1, [2]]},
            ROW_ERROR.format(1) + "Expecting shape [] but got: [1]",
        ),
        (
            {"instances": [[1], [2, 3]]},
            ROW_ERROR.format(1) + "Expecting tensor size: 1 but got: 2",
        ),
        (
            {"instances": [[[1, 2]], [[1], [2]]]},
            ROW_ERROR.format(1) + "Expecting shape [1,2] but got: [2,1]",
        ),
        (
            {"instances": [1, 2, "a"]},
            ROW_ERROR.format(2) + TYPE.format('"a"', "String"),
        ),
        ({"instances": [[1, [2]]]}, ROW_ERROR.format(0) + LEVEL.format(1, 1)),
        ({"instances": [[[1], 2]]}, ROW_ERROR.format(0) + DOM),
        ({"inputs": [[1, 2], [3]]}, SIZE.format(2)),
        ({"inputs": [[], [3]]}, SIZE.format(0)),
        ({"inputs": [[1], 2]}, DOM),
        ({"inputs": [1, [2]]}, LEVEL.format(1, 1)),
        ({"inputs": [1, True]}, TYPE.format("true", "True")),
        (
            {"inputs": {"b64": "AA"}},
            TYPE.format('{\n    "b64": "AA"\n}', "Object"),
        ),
        ({"inputs": {"y": 1}}, "Missing named input: x in 'inputs' object."),
        ({"instances": [{"x": 1}, 2]}, NOT_AN_OBJECT),
        ({"instances": [{"x": 1}, {"b64": "AA"}]}, NOT_AN_OBJECT),
        ({"instances": [1, {"x": 2}]}, AN_OBJECT),
        (
            {"instances": [{"x": 1}, {"q": 1}]},
            "Failed to process element: 1 key: q of 'instances' list. Error: "
            "INVALID_ARGUMENT: JSON object: does not have named input: q",
        ),
        (
            {"instances": [{"x": 1}, {"x": [1]}]},
            "Failed to process element: 1 key: x of 'instances' list. Error: "
            "INVALID_ARGUMENT: Expecting shape [] but got: [1]",
        ),
        (
            {"instances": [{"x": 1}, {}]},
            ROW.format(1) + "JSON object: {} keys must be equal to: x",
        ),
    ],
)
def test_what_is_wrong_is_said(document, message):
    assert message_of(document) == message


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"instances": [[1, 2]]},
            "instances is a plain list, but expecting list of objects as "
            "multiple input tensors required as per tensorinfo_map",
        ),
        (
            {"inputs": [[1, 2]]},
            "inputs is a plain value/list, but expecting an object as "
            "multiple input tensors required as per tensorinfo_map",
        ),
        (
            {"inputs": {"a": [[1, 2]]}},
            "Missing named input: n in 'inputs' object.",
        ),
        (
            {"instances": [{"n": 1, "a": [1, 2]}, {"n": 1.5, "a": []}]},
            "Failed to process element: 1 key: n of 'instances' list. Error: "
            "INVALID_ARGUMENT: JSON Value: 1.5 Type: Number is not of "
            "expected type: int64",
        ),
    ],
)
def test_several_inputs(document, message):
    assert message_of(document, "two_in") == message


def test_strings_in_base64_bring_one_input_only():
    text = dtypes.BY_NAME["DT_STRING"]
    inputs = {name: TensorInfo(text, (None,), name) for name in "ab"}
    with pytest.raises(ServingError) as caught:
        read_tensors({"instances": [{"b64": "AAAA"}]}, inputs)
    assert caught.value.message == (
        "input size does not match signature: 1!=2 len({a}) != len({a,b}). "
        "Sent extra: {}. Missing but required: {b}."
    )


@pytest.mark.parametrize(
    ("word", "values", "array"),
    [
        ("f32", [1, 2.5, 1e39, -1e39], [1, 2.5, np.inf, -np.inf]),
        ("f64", [1, 2.5, 2**63], [1, 2.5, 2.0**63]),
        ("i8", [300, -1, 127], [44, -1, 127]),
        ("u8", [300, -1, 255], [44, 255, 255]),
        ("i16", [70000, -32769], [4464, 32767]),
        ("i32", [2**31 - 1, -(2**31)], [2**31 - 1, -(2**31)]),
        ("u32", [2**32 - 1, 0], [2**32 - 1, 0]),
        ("i64", [2**63 - 1, -(2**63)], [2**63 - 1, -(2**63)]),
        ("u64", [2**64 - 1, 0], [2**64 - 1, 0]),
        ("b", [True, False], [True, False]),
        ("s", ["a", {"b64": "/+8="}, "é"], [b"a", b"\xff\xef", b"\xc3\xa9"]),
    ],
)
def test_every_type(word, values, array):
    signature = f"echo_{word}"
    dtype = Echo().signatures[signature].inputs["x"].dtype.numpy
    wanted = np.array(array, dtype)
    for document in (
        {"inputs": values},
        {"inputs": {"x": values}},
        {"instances": values},
        {"instances": [{"x": one} for one in values]},
    ):
        found = read_body(document, signature)["x"]
        assert found.dtype == dtype
        assert found.tolist() == wanted.tolist()


@pytest.mark.parametrize(
    ("word", "value", "type_name"),
    [
        ("i32", 2**31, "Number"),
        ("i32", -(2**31) - 1, "Number"),
        ("i32", 1.0, "Number"),
        ("i32", True, "True"),
        ("i8", 2**31, "Number"),
        ("u32", -1, "Number"),
        ("u32", 2**32, "Number"),
        ("i64", 2**63, "Number"),
        ("u64", -1, "Number"),
        ("b", 1, "Number"),
        ("f32", None, "Null"),
        ("f32", False, "False"),
        ("f64", "1", "String"),
        ("s", 1, "Number"),
    ],
)
def test_what_a_type_does_not_take(word, value, type_name):
    signature = f"echo_{word}"
    dtype = Echo().signatures[signature].inputs["x"].dtype.word
    message = (
        f"JSON Value: {json.dumps(value)} Type: {type_name} is not of "
        f"expected type: {dtype}"
    )
    assert message_of({"inputs": [value]}, signature) == message
    assert message_of({"inputs": value}, signature) == message


@pytest.mark.parametrize(
    ("word", "type_name"),
    [
        ("u16", "uint16"),
        ("f16", "half"),
        ("bf16", "bfloat16"),
        ("c64", "complex64"),
    ],
)
def test_types_that_json_does_not_carry(word, type_name):
    with pytest.raises(ServingError) as caught:
        read_body({"inputs": [[1.5]]}, f"echo_{word}")
    message = f"Conversion of JSON Value: 1.5 to type: {type_name}"
    assert caught.value.code == Code.UNIMPLEMENTED
    assert caught.value.message == message
    # A row's error becomes that of a request that is wrong.
    assert message_of({"instances": [1.5]}, f"echo_{word}") == (
        f"{ROW.format(0)}Error: UNIMPLEMENTED: {message}"
    )


def test_an_empty_tensor_of_a_type_that_numpy_lacks():
    with pytest.raises(ServingError, match="of JSON Value: .. to type: bfl"):
        read_body({"inputs": []}, "echo_bf16")


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ([], (0,)),
        ([[], []], (2, 0)),
        ([[[]]], (1, 1, 0)),
        (3, ()),
        ([[1, 2], [3, 4]], (2, 2)),
    ],
)
def test_shapes(value, shape):
    assert read_body({"inputs": value})["x"].shape == shape
    assert read_body({"inputs": {"x": value}})["x"].shape == shape
    assert read_body({"instances": [value]})["x"].shape == (1, *shape)


@pytest.mark.parametrize("key", ["inputs", "instances"])
@pytest.mark.parametrize("depth", [40, 3000, 100_000])
def test_a_value_too_deep(key, depth):
    value = b"[" * depth + b"1" + b"]" * depth
    body = b'{"%b": %b}' % (key.encode(), value)
    assert message_of(body) == "tensor parsing error: x"


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", b""),
        ("aGVsbG8=", b"hello"),
        ("aGVsbG8", b"hello"),
        ("aGVsbG8.", b"hello"),
        (" aGVs\nbG8 = ", b"hello"),
        ("AA==", b"\0"),
        ("AA", b"\0"),
        ("AB", b"\0"),
    ],
)
def test_base64(text, data):
    document = {"inputs": {"b64": text}}
    assert read_body(document, "echo_s")["x"].item() == data


@pytest.mark.parametrize(
    "text", ["A", "AA=", "AAA==", "AAAA=", "A A A!", "=", "AA==AA", "-_-_", "é"]
)
def test_base64_that_is_none(text):
    document = {"inputs": [{"b64": text}]}
    assert message_of(document, "echo_s") == "Unable to base64 decode"


@pytest.mark.parametrize(
    "shown",
    ['{\n    "b64": 1\n}', "{}", '{\n    "b64": "AA",\n    "c": 1\n}'],
)
def test_objects_that_are_no_base64(shown):
    document = {"inputs": [json.loads(shown)]}
    message = f"JSON Value: {shown}{BASE64}"
    assert message_of(document, "echo_s") == message


def test_a_name_twice_is_no_base64():
    body = b'{"inputs": [{"b64": "AA", "b64": "AA"}]}'
    assert message_of(body, "echo_s").endswith(BASE64)


def test_names_that_are_not_ascii():
    info = TensorInfo(dtypes.BY_NAME["DT_FLOAT"], (None,), "x:0")
    for text in ('{"inputs": {"é": [1]}}', '{"instances": [{"\\u00e9": 1}]}'):
        request = read_request(text.encode())
        tensors = read_tensors(request.document, {"é": info})
        assert tensors.inputs["é"].tolist() == [1]
    with pytest.raises(ServingError, match="Missing named input: é in"):
        read_tensors({"inputs": {}}, {"é": info})


def test_the_signature():
    assert read_request(b"{}").signature == "serving_default"
    assert (
        read_request(b'{"signature_name": ""}').signature == "serving_default"
    )
    name = '{"signature_name": "é"}'.encode()
    assert read_request(name).signature == "é"
    with pytest.raises(ServingError, match='"é" not found in signature def'):
        find_signature(Echo(), "é")


@pytest.mark.parametrize(
    ("name", "shown"), [("serving_default", "DEFAULT"), ("none", "none")]
)
def test_a_signature_without_inputs(name, shown):
    echo = Echo()
    echo.signatures[name] = Signature({}, {})
    with pytest.raises(ServingError, match=f"for signature: {shown}$"):
        find_signature(echo, name)


def test_numbers_that_are_none():
    found = read_body(b'{"inputs": [NaN, Infinity, -Inf, 1]}')["x"]
    assert math.isnan(found[0])
    assert found[1:].tolist() == [math.inf, -math.inf, 1]
