"""The contenders of the training benchmark train the same model."""

import importlib
import pathlib
import sys

import keras
import numpy as np
import pytest

FOLDER = pathlib.Path(__file__).parents[2] / "examples" / "benchmarks"
NAMES = ("ours", "plain", "keras", "hand")


@pytest.fixture
def load(monkeypatch):
    """Returns what imports a contender for the backend of this suite."""
    monkeypatch.syspath_prepend(FOLDER)
    import contenders

    backend = keras.backend.backend()
    yield lambda name: contenders.load(name, backend)
    for name in list(sys.modules):
        if name.startswith("contenders"):
            sys.modules.pop(name)


@pytest.fixture
def cases(load):
    return importlib.import_module("contenders.cases").CASES


@pytest.fixture
def x():
    rng = np.random.default_rng(0)
    return (rng.random((384, 28, 28, 1)) < 0.1).astype("float32")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_contender_learns_as_fast_as_the_others(load, cases, x, name):
    run, num_parameters = load(name)(cases["mlp"], x)
    assert num_parameters == cases["mlp"].num_parameters
    losses = [run(384, 1) for _ in range(3)]
    # 784 log(2) = 543 before the first of nine steps.
    assert losses[0] == pytest.approx(530.0, abs=15.0)
    assert losses[1] == pytest.approx(460.0, abs=40.0)
    assert losses[2] == pytest.approx(375.0, abs=50.0)


@pytest.mark.parametrize("name", ["keras", "hand"])
def test_a_turn_of_several_epochs_is_several_turns(load, cases, x, name):
    together, _ = load(name)(cases["mlp"], x)
    one_by_one, _ = load(name)(cases["mlp"], x)
    losses = [one_by_one(256, 1) for _ in range(2)]
    assert together(256, 2) == pytest.approx(np.mean(losses), rel=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_the_convolutional_contenders_have_one_size(load, cases, x, name):
    _, num_parameters = load(name)(cases["conv"], x)
    assert num_parameters == cases["conv"].num_parameters


def test_iwae_is_given_its_samples(load, cases):
    ours = importlib.import_module("contenders.ours")
    built = ours.build(cases["mlp"], ours.objectives.IWAE(num_samples=3))
    assert built.objective.num_samples == 3


@pytest.mark.once
@pytest.mark.slow
def test_log_p_of_the_same_weights(load, cases, x, tmp_path):
    score = load("marginal")
    path = tmp_path / "weights.npz"
    first, _ = score(cases["mlp"], x, path, num_samples=64)
    again, _ = score(cases["mlp"], x, path, num_samples=64)
    values = np.asarray([first(2), again(2)])
    assert values.shape == (2, 2)
    assert np.all(values < -200.0)
    np.testing.assert_allclose(values[0], values[1], rtol=0.05)


def test_the_rate_of_a_product(load, monkeypatch):
    make = load("matmul")
    module = sys.modules["contenders.matmul"]
    monkeypatch.setattr(module, "SECONDS", 0.01)
    found = make(keras.backend.backend())(0)
    assert [*found] == ["small", "large"]
    assert all(0.01 < rate < 1e6 for rate in found.values())
