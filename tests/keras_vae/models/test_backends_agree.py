"""The same weights and the same noise: the same on every backend."""

import itertools

import numpy as np
import pytest

from keras_vae.testing import check_save_and_load
from tests import worker_tasks
from tests.workers import BACKENDS

pytestmark = pytest.mark.once

KINDS = ("bernoulli", "normal", "conv")
PAIRS = list(itertools.combinations(BACKENDS, 2))
TASKS = "tests.worker_tasks:"


def data(kind, size=20):
    rng = np.random.default_rng(0)
    if kind == "normal":
        return rng.normal(size=(size, 6)).astype("float32")
    return rng.integers(0, 2, (size, 4, 4, 1)).astype("float32")


@pytest.fixture(scope="module")
def initial(workers):
    """The weights that all backends are given, made by one of them."""
    return {
        kind: workers("jax").call(TASKS + "initial_weights", kind=kind)[
            "weights"
        ]
        for kind in KINDS
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_elbo_and_its_terms(workers, initial, kind):
    answers = {
        backend: workers(backend).call(
            TASKS + "elbo_terms",
            kind=kind,
            weights=initial[kind],
            x=data(kind),
            seed=4,
        )
        for backend in BACKENDS
    }
    for one, other in PAIRS:
        for name in ("elbo", "log_likelihood", "kl", "log_marginal"):
            np.testing.assert_allclose(
                answers[one][name], answers[other][name], 1e-5, err_msg=name
            )
        for name in ("reconstruction", "images"):
            np.testing.assert_allclose(
                answers[one][name], answers[other][name], atol=1e-6
            )
        np.testing.assert_array_equal(
            answers[one]["latents"], answers[other]["latents"]
        )


def train(workers, initial, kind, **options):
    noise = np.random.default_rng(1).normal(size=(2, 20, 3))
    return {
        backend: workers(backend).call(
            TASKS + "train_steps",
            kind=kind,
            weights=initial[kind],
            x=data(kind),
            noise=noise.astype("float32"),
            weight=np.linspace(0, 2, 20, dtype="float32"),
            **options,
        )
        for backend in BACKENDS
    }


def assert_steps_agree(ours, theirs, start, tolerance):
    for a, b, before in zip(ours, theirs, start, strict=True):
        step, other = (np.float64(one) - before for one in (a, b))
        bound = tolerance * np.abs(step).max()
        assert np.abs(step - other).max() <= bound


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradients(workers, initial, kind):
    """One step of gradient descent with a learning rate of 1024."""
    start = worker_tasks.built(kind, initial[kind]).trainable_weights
    start = [worker_tasks.numpy(v) for v in start]
    answers = train(workers, initial, kind, optimizer="gradient")
    for one, other in PAIRS:
        ours, theirs = answers[one], answers[other]
        assert_steps_agree(ours["trainable"], theirs["trainable"], start, 1e-4)
        for name, value in ours["logs"].items():
            assert theirs["logs"][name] == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("optimizer", "steps"), [("sgd", 1), ("adam", 1), ("sgd", 3)]
)
def test_the_first_training_steps(workers, initial, kind, optimizer, steps):
    """Weights, batch statistics and counters, by the compiled step."""
    answers = train(workers, initial, kind, optimizer=optimizer, steps=steps)
    for one, other in PAIRS:
        ours, theirs = answers[one]["all"], answers[other]["all"]
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, 1e-4, 1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_file_of_one_loads_on_the_others(workers, tmp_path, kind, backend):
    path, x = str(tmp_path / "model.keras"), data(kind)
    saved = workers(backend).call(TASKS + "save", kind=kind, path=path, x=x)
    for other in BACKENDS:
        loaded = workers(other).call(TASKS + "load", path=path, x=x, train=True)
        for name in ("reconstruction", "images", "predicted", "generated"):
            np.testing.assert_allclose(loaded[name], saved[name], atol=1e-6)
        np.testing.assert_allclose(loaded["elbo"], saved["elbo"], 1e-6)
        for name in ("training_step", "compile_config"):
            assert loaded[name] == saved[name]
        for a, b in zip(loaded["optimizer"], saved["optimizer"], strict=True):
            np.testing.assert_array_equal(a, b)
        assert np.isfinite(loaded["history"]["loss"]).all()


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_shipped_check_takes_another_backend(workers, backend):
    x = data("bernoulli")

    def load_elsewhere(path):
        return workers(backend).call(TASKS + "saved_answers", path=path, x=x)

    vae = worker_tasks.build("bernoulli")
    vae.compile("adam")
    check_save_and_load(vae, x, load_elsewhere)
    wrong = {"reconstruction": 0, "elbo": 0, "images": np.zeros((2, 4, 4, 1))}
    with pytest.raises(AssertionError, match="loaded elsewhere's reconstr"):
        check_save_and_load(vae, x, lambda path: wrong)
