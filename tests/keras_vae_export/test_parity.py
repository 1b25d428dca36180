import numpy as np
import pytest

from keras_vae_export import parity
from keras_vae_export.errors import ParityError
from keras_vae_export.reference import Reference

pytestmark = pytest.mark.once

Z = np.zeros((16, 2), "float32")
X = np.linspace(0, 1, 48, dtype="float32").reshape(16, 3)
NAME = "decode"


def reference(x=X, exact=True):
    return Reference({NAME: {"z": Z}}, {NAME: {"x": x}}, exact)


def answer(change=lambda x: x):
    def decode(z):
        return {"x": change(X[: len(z)])}

    return decode


def check(call, path="a.onnx"):
    return parity.check_file(path, "ORT", call, NAME, reference())


def test_the_largest_difference_is_returned():
    found = check(answer(lambda x: x + np.float32(4e-6)))
    assert found == pytest.approx(4e-6, rel=0.05)


@pytest.mark.parametrize(
    ("change", "figure"),
    [
        (lambda x: x + np.float32(1e-3), "0.001"),
        (
            lambda x: np.where(np.arange(len(x))[:, None] == 9, 2, x).astype(
                "float32"
            ),
            "1.4",
        ),
        (lambda x: x * np.float32("nan"), "nan"),
        (lambda x: x.astype("float64"), "inf"),
        (lambda x: x[..., None], "inf"),
        (lambda x: x if len(x) else x[:, :2], "inf"),
    ],
)
def test_what_differs_is_refused(change, figure):
    message = (
        f"`a.onnx` does not compute .*in ORT, .*`x` of `decode` differs by "
        f"{figure}"
    )
    with pytest.raises(ParityError, match=message):
        check(answer(change))


def test_a_batch_that_fails_is_refused():
    def decode(z):
        if len(z) == 0:
            raise RuntimeError("empty tensor")
        return {"x": X[: len(z)]}

    message = "`a.onnx` fails in ORT on a batch of 0: empty tensor."
    with pytest.raises(ParityError, match=message):
        check(decode)


def test_every_output_has_a_limit():
    outputs = {"a": {"x": 2 * X, "z": Z}, "b": {"x": -300 * X}}
    found = parity.limits(Reference({}, outputs, True))
    assert found == {
        "a": {"x": pytest.approx(2e-5), "z": pytest.approx(1e-5)},
        "b": {"x": pytest.approx(3e-3)},
    }


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
    live = reference(exact=exact)
    loaded = reference(X + np.float32(change))
    if passes:
        found = parity.check_model(loaded, live)
        assert found == pytest.approx(change, rel=0.05)
        return
    with pytest.raises(ParityError, match="loaded back.*`get_config`"):
        parity.check_model(loaded, live)


def test_every_signature_of_the_loaded_model_is_compared():
    outputs = {NAME: {"x": X}, "score": {"elbo": X[:, 0]}}
    live = Reference({}, outputs, True)
    wrong = {**outputs, "score": {"elbo": X[:, 0] + np.float32(1e-2)}}
    message = "`elbo` of `score` differs by 0.01, above the limit of 1e-05"
    with pytest.raises(ParityError, match=message):
        parity.check_model(Reference({}, wrong, True), live)
    # Rounding moves what depends on a choice: only `decode` is compared.
    parity.check_model(Reference({}, wrong, True), live._replace(exact=False))
