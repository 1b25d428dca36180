"""Predict, where the recorded calls say nothing."""

import numpy as np
import pytest

from keras_vae_serving import dtypes
from keras_vae_serving.rpc import messages, tensors
from tests.keras_vae_serving.rpc import requests
from tests.keras_vae_serving.rpc.loopback import PREDICT, Loopback

pytestmark = pytest.mark.once

VALUES = {
    "f32": ("DT_FLOAT", [0.1, -np.inf]),
    "f64": ("DT_DOUBLE", [0.1, 1e300]),
    "i8": ("DT_INT8", [-128, 127]),
    "u8": ("DT_UINT8", [0, 255]),
    "i16": ("DT_INT16", [-32768, 32767]),
    "u16": ("DT_UINT16", [0, 65535]),
    "i32": ("DT_INT32", [-(2**31), 2**31 - 1]),
    "u32": ("DT_UINT32", [0, 2**32 - 1]),
    "i64": ("DT_INT64", [-(2**63), 2**63 - 1]),
    "u64": ("DT_UINT64", [0, 2**64 - 1]),
    "b": ("DT_BOOL", [True, False]),
    "s": ("DT_STRING", [b"", b"\xff\0"]),
    "f16": ("DT_HALF", [1.5, np.inf]),
    "bf16": ("DT_BFLOAT16", [-2.5, np.inf]),
    "c64": ("DT_COMPLEX64", [1 + 2j, -1j]),
}


def values_of(response, name="y"):
    return tensors.to_array(response.outputs[name]).tolist()


@pytest.mark.parametrize("word", VALUES)
def test_every_dtype_comes_back(loopback, word):
    name, values = VALUES[word]
    dtype = dtypes.BY_NAME[name]
    for given in (values, values[0], [values, values[::-1]], [[], []]):
        array = np.array(given, dtype.numpy or "float32")
        sent = tensors.to_proto(array, dtype)
        request = requests.predict(f"echo_{word}", x=sent)
        answered = loopback.call(PREDICT, request).outputs["y"]
        assert answered == sent


def test_content_is_answered_as_values(loopback):
    content = np.array([1.5, 2], "<f4").tobytes()
    tensor = messages.TensorProto(dtype=1, tensor_content=content)
    tensor.tensor_shape.dim.add(size=2)
    response = loopback.call(PREDICT, requests.predict(x=tensor))
    assert response.outputs["y"].float_val[:] == [2.75, 3]


def test_versions_and_labels(loopback):
    for options, version in [
        ({}, 2),
        ({"version": 1}, 1),
        ({"version": 2}, 2),
        ({"label": "stable"}, 1),
        ({"label": "canary"}, 2),
    ]:
        response = loopback.call(PREDICT, requests.predict(x=[1], **options))
        assert response.model_spec.version.value == version
        assert response.model_spec.name == "echo"


def test_the_filter_orders_and_chooses(loopback):
    request = requests.predict("uneven_out", x=[1], only=["b", "a"])
    assert sorted(loopback.call(PREDICT, request).outputs) == ["a", "b"]
    request = requests.predict("uneven_out", x=[1])
    response = loopback.call(PREDICT, request)
    assert values_of(response, "a") == [1]
    assert values_of(response, "b") == [1, 1]


TWO = {"a": [[1, 2]], "n": requests.tensor([3], "int64")}


def test_two_inputs(loopback):
    response = loopback.call(PREDICT, requests.predict("two_in", **TWO))
    assert values_of(response, "sum") == [3]
    assert values_of(response, "n2") == [6]


def malformed(**fields):
    return messages.TensorProto(**{"dtype": 1} | fields)


QINT8 = malformed(dtype=11)
REFUSED = [
    (
        requests.predict("two_in", **TWO | {"n": [1]}),
        "Expects arg[1] to be int64 but float is provided",
    ),
    (requests.predict(x=QINT8), "Expects arg[0] to be float but qint8 is "),
    (
        requests.predict(x=requests.tensor([b"a"], object)),
        "Expects arg[0] to be float but string is provided",
    ),
    (
        requests.predict("two_in", n=TWO["n"]),
        "input size does not match signature: 1!=2 len({n}) != len({a,n}). "
        "Sent extra: {}. Missing but required: {a}.",
    ),
    (
        requests.predict("two_in", **TWO, b=[1], c=[1]),
        "input size does not match signature: 4!=2 len({a,b,c,n}) != "
        "len({a,n}). Sent extra: {b,c}. Missing but required: {}.",
    ),
    (
        requests.predict("uneven_out", x=[1], only=["a", "a"]),
        "duplicate output tensor alias: a",
    ),
    (
        requests.predict(x=malformed(float_val=[1, 2])),
        "tensor parsing error: x: it has 2 values in float_val, and its "
        "shape is []",
    ),
    (
        requests.predict(x=malformed(dtype=99)),
        "tensor parsing error: x: its dtype is 99",
    ),
    # The filter is looked at before types.
    (
        requests.predict(x=QINT8, only=["q"]),
        "output tensor alias not found in signature: q Outputs expected to "
        "be in the set {y}.",
    ),
    (requests.predict(x=[1], label=""), "Unrecognized servable version lab"),
    (messages.PredictRequest(), "Missing ModelSpec"),
]


@pytest.mark.parametrize("request_, message", REFUSED)
def test_refused(loopback, request_, message):
    code, text = loopback.error(PREDICT, request_)
    assert code == "INVALID_ARGUMENT"
    assert text.startswith(message)


def test_inputs_share_a_limit():
    half = np.zeros((25, 2))
    with Loopback(max_message_bytes=450) as loopback:
        fits = messages.TensorProto(dtype=9)
        fits.tensor_shape.dim.add(size=25)
        request = requests.predict("two_in", a=half, n=fits)
        assert values_of(loopback.call(PREDICT, request), "n2") == [0] * 25
        fits.tensor_shape.dim[0].size = 32
        request = requests.predict("two_in", a=half, n=fits)
        code, text = loopback.error(PREDICT, request)
    assert code == "INVALID_ARGUMENT"
    assert text == (
        "tensor parsing error: n: its shape [32] takes more than 250 bytes"
    )


def test_a_large_request(loopback):
    values = np.arange(1_000_000, dtype="float32")
    request = requests.predict(x=values)
    response = loopback.call(PREDICT, request)
    answered = tensors.to_array(response.outputs["y"])
    assert np.array_equal(answered, values / 2 + 2)
