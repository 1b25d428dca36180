import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from keras_vae_serving.rest.from_json import Form
from keras_vae_serving.rest.to_json import answer_body
from keras_vae_serving.status import Code, ServingError

pytestmark = pytest.mark.once


def columns(**outputs):
    return answer_body(Form.COLUMNAR, outputs)


def rows(**outputs):
    return answer_body(Form.ROW, outputs)


def floats(*values):
    return np.array(values, "float32")


def strings(*values):
    return np.array(values, object)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (floats(1, 2.5, 1e20, 0.1), "[1.0,2.5,1e+20,0.1]"),
        (floats(np.nan, np.inf, -np.inf, 1), "[NaN,Infinity,-Infinity,1.0]"),
        (np.float64([[np.nan, 1 / 3]]), "[[NaN,0.3333333333333333]]"),
        (np.float32(3.5), "3.5"),
        (np.float32(2), "2.0"),
        (np.float32(np.inf), "Infinity"),
        (np.array([-1, 2], "int8"), "[-1,2]"),
        (np.array([2**64 - 1], "uint64"), "[18446744073709551615]"),
        (np.array([-(2**63)], "int64"), "[-9223372036854775808]"),
        (np.array([[True], [False]]), "[[true],[false]]"),
        (np.array(True), "true"),
        (np.zeros((2, 0), "float32"), "[[],[]]"),
        (np.zeros((0, 2), "float32"), "[]"),
        (np.zeros((1, 2, 0), object), "[[[],[]]]"),
        (floats(1, 2, 3, 4).reshape(2, 2).T, "[[1.0,3.0],[2.0,4.0]]"),
        (strings(b"a", b'"\n'), r'["a","\"\n"]'),
        (strings([b"a"], [b"b"]), '[["a"],["b"]]'),
        (np.array(b"a", object), '"a"'),
    ],
)
def test_arrays(array, text):
    body = columns(y=np.asarray(array)).decode()
    assert body == f'{{\n    "outputs": {text}\n}}'


def test_strings_may_be_any_bytes():
    assert b'["\xff\xef"]' in columns(y=strings(b"\xff\xef"))


def test_outputs_of_bytes_are_in_base64():
    body = rows(y_bytes=strings(b"hello", b"\xff\xef"))
    found = [{"b64": "aGVsbG8="}, {"b64": "/+8="}]
    assert json.loads(body) == {"predictions": found}


def test_numbers_are_no_bytes():
    assert json.loads(columns(y_bytes=floats(1))) == {"outputs": [1.0]}


def test_several_outputs():
    outputs = {
        "x": floats(1, 2, 3, 4).reshape(2, 2),
        "n": np.array([5, 6]),
        "image_bytes": strings(b"a", b"b"),
    }
    found = json.loads(columns(**outputs))["outputs"]
    assert found["x"] == [[1, 2], [3, 4]]
    assert found["image_bytes"] == [{"b64": "YQ=="}, {"b64": "Yg=="}]
    found = json.loads(rows(**outputs))["predictions"]
    assert found == [
        {"x": [1, 2], "n": 5, "image_bytes": {"b64": "YQ=="}},
        {"x": [3, 4], "n": 6, "image_bytes": {"b64": "Yg=="}},
    ]


def test_rows_of_plain_numbers_look_like_any_others():
    plain = rows(x=floats(1, 2), z=floats(3, 4))
    assert plain.endswith(b'[{"x":1.0,"z":3.0},{"x":2.0,"z":4.0}]\n}')
    other = rows(x=floats(1, np.nan), z=floats(3, 4))
    assert other.endswith(b'[{"x":1.0,"z":3.0},{"x":NaN,"z":4.0}]\n}')


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (
            {"mean": np.float32(1)},
            "Tensor name: mean has no shape information ",
        ),
        (
            {"a": floats(1, 2), "b": floats(1, 2, 3, 4)},
            "Tensor name: a has inconsistent batch size: 2 expecting: 4",
        ),
        ({}, "Cannot convert empty tensor map to JSON"),
        ({"y": floats()}, "Tensor name: y has invalid batch size: 0"),
        (
            {"y": np.zeros(1, "float16")},
            "Failed to write JSON value for tensor type: half",
        ),
        (
            {"y": np.zeros(1, "uint16")},
            "Failed to write JSON value for tensor type: uint16",
        ),
        (
            {"y": np.zeros(1, "complex64")},
            "Failed to write JSON value for tensor type: complex64",
        ),
    ],
)
def test_what_cannot_be_written(outputs, message):
    outputs = {name: np.asarray(one) for name, one in outputs.items()}
    with pytest.raises(ServingError) as caught:
        rows(**outputs)
    assert caught.value.code == Code.INVALID_ARGUMENT
    assert caught.value.message == message


SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


@settings(deadline=None, max_examples=200)
@given(hnp.arrays("float32", SHAPES))
def test_floats_come_back(array):
    found = json.loads(columns(y=array))["outputs"]
    np.testing.assert_array_equal(
        np.array(found, "float32").ravel(), array.ravel()
    )


@settings(deadline=None, max_examples=100)
@given(st.lists(st.binary(max_size=6), min_size=1, max_size=4))
def test_bytes_come_back(values):
    array = strings(*values)
    body = columns(y=array).decode("latin-1")
    found = json.loads(body)["outputs"]
    assert [one.encode("latin-1") for one in found] == values


@settings(deadline=None, max_examples=100)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_whole_numbers_have_a_point(value):
    text = columns(y=np.float32(value)).split()[-2].decode()
    assert set(text) & {".", "e"}
    assert math.isclose(np.float32(text), value, rel_tol=0, abs_tol=0)
