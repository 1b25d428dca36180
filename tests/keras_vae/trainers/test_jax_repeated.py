"""Functions on JAX that are compiled once they were called some times."""

import keras
import numpy as np
import pytest

from tests.conftest import BACKEND
from tests.linear import make_vae as make_linear_vae
from tests.linear import probabilistic_pca

if BACKEND != "jax":
    pytest.skip("It is about JAX's compiler.", allow_module_level=True)

import jax

from keras_vae.models import estimation
from keras_vae.trainers import jax_repeated


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(jax_repeated, "CALLS_BEFORE", 2)


def was_traced(tensor):
    return isinstance(tensor, jax.core.Tracer)


def test_it_is_compiled_for_shapes_that_come_often():
    traced = []

    def double(x):
        traced.append(was_traced(x))
        return 2.0 * x

    repeated = jax_repeated.Repeated(double, [])
    for _ in range(5):
        assert float(repeated(keras.ops.ones(3)).sum()) == 6.0
    assert traced == [False, False, True]  # And then from what was compiled.
    assert float(repeated(keras.ops.ones(4)).sum()) == 8.0
    assert traced == [False, False, True, False]


def test_it_sees_new_values_of_variables():
    variable = keras.Variable(1.0)
    repeated = jax_repeated.Repeated(lambda x: x * variable, [variable])
    one = keras.ops.ones(())
    for value in range(6):
        variable.assign(float(value))
        assert float(repeated(one)) == value


def test_log_p_is_the_same(make_vae, images, monkeypatch):
    """In chunks of 20 latents, of which all but two are compiled."""
    made = []

    def noted(*args):
        made.append(jax_repeated.Repeated(*args))
        return made[-1]

    monkeypatch.setattr(estimation, "_CHUNK", 20)
    monkeypatch.setattr("keras_vae.trainers.jax.Repeated", noted)
    vae = make_vae()
    received = vae.marginal_log_likelihood(images[:4], 52, seed=1)
    assert sorted(made[0].calls.values()) == [1, 10]
    vae.compile("adam", fast_path=False)
    expected = vae.marginal_log_likelihood(images[:4], 52, seed=1)
    assert len(made) == 1
    np.testing.assert_allclose(received, expected, rtol=1e-6)


def test_log_p_of_an_exact_posterior(monkeypatch):
    monkeypatch.setattr(jax_repeated, "CALLS_BEFORE", 0)
    linear = probabilistic_pca()
    vae, exact = make_linear_vae(linear), linear.log_marginal()
    estimate = vae.marginal_log_likelihood(linear.x, num_samples=7, seed=0)
    np.testing.assert_allclose(estimate, exact, 1e-5, 1e-5)
    vae.likelihood.scale *= 2.0  # What was compiled is not kept.
    estimate = vae.marginal_log_likelihood(linear.x, num_samples=7, seed=0)
    assert np.abs(estimate - exact).min() > 0.01
