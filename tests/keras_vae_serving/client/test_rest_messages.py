import json
import math

import numpy as np
import pytest

from keras_vae_serving.client.rest_messages import outputs_of, request_body

pytestmark = pytest.mark.once


def sent(array):
    body = json.loads(request_body("decode", {"z": array}))
    assert body["signature_name"] == "decode"
    return body["inputs"]["z"]


@pytest.mark.parametrize(
    "exponents", [(0, 255), (100, 150), (0, 3), (250, 255)]
)
def test_every_float_is_read_as_it_was_written(exponents):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**23, 20_000) + (
        rng.integers(*exponents, 20_000) << 23
    )
    bits += rng.integers(0, 2, 20_000) << 31
    x = bits.astype("uint32").view("float32").reshape(100, 200)
    read = np.asarray(sent(x), "float64").astype("float32")
    np.testing.assert_array_equal(read.view("uint32"), x.view("uint32"))


def test_what_is_not_finite_stands_in_its_place():
    z = np.array([[math.nan, 1], [math.inf, -math.inf], [0.1, math.nan]], "f4")
    text = request_body("decode", {"z": z})
    assert b'{"z":[[NaN,1.0],[Infinity,-Infinity],[0.1,NaN]]}' in text
    z[...] = np.nan
    np.testing.assert_array_equal(sent(z), z)


@pytest.mark.parametrize(
    "array",
    [
        np.asarray(7, "int32"),
        np.asarray(-(2**63), "int64"),
        np.asarray([2**63 - 1, -(2**63)], "int64"),
        np.broadcast_to(np.float32(0.5), (3,)),
        np.arange(6, dtype=">f4").reshape(2, 3).T,
        np.arange(12, dtype="float32").reshape(3, 4)[::2, ::-1],
        np.array([[1, np.inf], [2, 3]], "float32").T,
    ],
)
def test_arrays_of_every_layout(array):
    assert sent(array) == array.tolist()


def test_types_of_what_is_answered():
    body = b'{"outputs": {"x": [1.0, 1e10], "n": [1], "b": [true], "e": []}}'
    found = {k: v.dtype.name for k, v in outputs_of(200, body, "x").items()}
    assert found == {"x": "float32", "n": "int64", "b": "bool", "e": "float32"}
