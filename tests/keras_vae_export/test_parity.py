import numpy as np
import pytest

from keras_vae_export import parity
from keras_vae_export.errors import ParityError
from keras_vae_export.reference import Reference

pytestmark = pytest.mark.once

Z = np.zeros((16, 2), "float32")
X = np.linspace(0, 1, 48, dtype="float32").reshape(16, 3)


def answer(change=lambda x: x):
    def decode(z):
        return change(X[: len(z)])

    return decode


def test_the_largest_difference_is_returned():
    decode = answer(lambda x: x + np.float32(4e-6))
    found = parity.check_file("f", "r", decode, Reference({"z": Z}, X, True))
    assert found == pytest.approx(4e-6, rel=0.05)


@pytest.mark.parametrize(
    ("change", "figure"),
    [
        (lambda x: x + np.float32(1e-3), "0.001"),
        (lambda x: np.where(np.arange(len(x))[:, None] == 9, 2, x), "1.4"),
        (lambda x: x * np.float32("nan"), "nan"),
        (lambda x: x.astype("float64"), "inf"),
        (lambda x: x[..., None], "inf"),
        (lambda x: x if len(x) else x[:, :2], "inf"),
    ],
)
def test_what_differs_is_refused(change, figure):
    decode = answer(lambda x: change(x).astype(change(x).dtype))
    reference = Reference({"z": Z}, X, True)
    message = f"`a.onnx` does not compute .*in ORT, .*differs by {figure}"
    if figure == "1.4":
        decode = answer(lambda x: change(x).astype("float32"))
    with pytest.raises(ParityError, match=message):
        parity.check_file("a.onnx", "ORT", decode, reference)


def test_a_batch_that_fails_is_refused():
    def decode(z):
        if len(z) == 0:
            raise RuntimeError("empty tensor")
        return X[: len(z)]

    message = "`a.onnx` fails in ORT on a batch of 0: empty tensor."
    with pytest.raises(ParityError, match=message):
        parity.check_file("a.onnx", "ORT", decode, Reference({"z": Z}, X, True))


@pytest.mark.parametrize(
    ("largest", "limit"), [(0.5, 1e-5), (1.0, 1e-5), (255.0, 2.55e-3)]
)
def test_the_limit_grows_with_x(largest, limit):
    x = np.array([[-largest, 0]], "float32")
    assert parity.limit(x) == pytest.approx(limit)


@pytest.mark.parametrize(
    ("exact", "change", "passes"),
    [
        (True, 5e-6, True),
        (True, 1e-3, False),
        (False, 1e-2, True),
        (False, 0.3, False),
    ],
)
def test_the_model_that_was_loaded_back(exact, change, passes):
    reference = Reference({"z": Z}, X, exact)
    decode = answer(lambda x: x + np.float32(change))
    if passes:
        found = parity.check_model(decode, reference)
        assert found == pytest.approx(change, rel=0.05)
        return
    with pytest.raises(ParityError, match="loaded back.*`get_config`"):
        parity.check_model(decode, reference)
