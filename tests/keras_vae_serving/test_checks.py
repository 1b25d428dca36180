import numpy as np
import pytest

from keras_vae_serving import dtypes
from keras_vae_serving.checks import InputLimits, check_inputs
from keras_vae_serving.servable import Signature, TensorInfo
from keras_vae_serving.status import ServingError

pytestmark = pytest.mark.once

INT = dtypes.BY_NAME["DT_INT32"]
FLOAT = dtypes.BY_NAME["DT_FLOAT"]
LIMITS = InputLimits(max_num_samples=5, max_rows=3)


def check(value, shape, name="x"):
    info = TensorInfo(FLOAT, shape, f"{name}:0")
    check_inputs(Signature({name: info}, {}), {name: np.asarray(value)}, LIMITS)


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (np.zeros((2, 3)), (None, 3)),
        (np.zeros((0, 3)), (None, 3)),
        (1.0, ()),
        (np.zeros((2, 2, 2)), None),
        (5, ()),
    ],
)
def test_what_fits(value, shape):
    check(value, shape)


@pytest.mark.parametrize(
    ("value", "shape", "message"),
    [
        (np.zeros((1, 2)), (None, 3), r"shape \[-1,3\]. Received: \[1,2\]"),
        (np.zeros(3), (None, 3), r"shape \[-1,3\]. Received: \[3\]"),
        (np.zeros(1), (), r"shape \[\]. Received: \[1\]"),
        (np.zeros((4, 3)), (None, 3), "has 4 rows; .* at most 3"),
    ],
)
def test_what_does_not_fit(value, shape, message):
    with pytest.raises(ServingError, match=message):
        check(value, shape)


@pytest.mark.parametrize("count", [-1, 6, 2**31 - 1])
def test_numbers_of_samples(count):
    with pytest.raises(ServingError, match="must be between 0 and 5"):
        check(np.int32(count), (), "num_samples")


def test_how_large_an_answer_may_be():
    """It is told before anything is computed."""
    inputs = {
        "num_samples": TensorInfo(INT, (), "n:0"),
    }
    outputs = {
        "x": TensorInfo(FLOAT, (None, 4, 4), "x:0"),
        "z": TensorInfo(FLOAT, (None, None), "z:0"),
        "files": TensorInfo(dtypes.BY_NAME["DT_STRING"], (None,), "f:0"),
        "scalar": TensorInfo(FLOAT, (), "s:0"),
    }
    row = 4 * (16 + 1 + 1) + 8
    limits = InputLimits(max_answer_bytes=10 * row)
    generate = Signature(inputs, outputs)
    check_inputs(generate, {"num_samples": np.int32(10)}, limits)
    message = f"would have {11 * row} bytes, for 11 rows; .* most {10 * row}"
    with pytest.raises(ServingError, match=message):
        check_inputs(generate, {"num_samples": np.int32(11)}, limits)
    rows = Signature({"x": TensorInfo(FLOAT, (None, 2), "x:0")}, outputs)
    check_inputs(rows, {"x": np.zeros((10, 2))}, limits)
    with pytest.raises(ServingError, match="ask for fewer at once"):
        check_inputs(rows, {"x": np.zeros((11, 2))}, limits)
