"""log p(x) by importance sampling."""

import numpy as np
import pytest
import scipy.special

from keras_vae.models import estimation
from keras_vae.random import threefry
from tests.linear import make_vae as make_linear_vae
from tests.linear import probabilistic_pca


@pytest.fixture(scope="module")
def linear():
    return probabilistic_pca()


@pytest.mark.parametrize("num_samples", [1, 2, 7, 100])
@pytest.mark.parametrize("seed", [0, None])
def test_with_an_exact_posterior_it_is_exact(linear, num_samples, seed):
    """All weights are p(x): any number of samples gives log p(x)."""
    estimate = make_linear_vae(linear).marginal_log_likelihood(
        linear.x, num_samples=num_samples, seed=seed
    )
    np.testing.assert_allclose(estimate, linear.log_marginal(), 1e-5, 1e-5)


def test_it_rises_with_the_number_of_samples_to_the_truth(linear):
    """A posterior that is off: the mean bound climbs, and stays below."""
    worse = linear._replace(encoder=0.8 * linear.encoder)
    vae, exact = make_linear_vae(worse), linear.log_marginal()
    x = np.concatenate([worse.x] * 5)
    bounds = [
        vae.marginal_log_likelihood(x, num_samples=k, seed=2).mean()
        for k in (1, 4, 16, 256)
    ]
    assert (np.diff(bounds) > 0).all()
    assert bounds[0] < exact.mean() - 0.05
    assert bounds[-1] == pytest.approx(exact.mean(), abs=0.02)


def test_it_is_the_log_of_the_mean_weight(make_vae, images, to_numpy):
    """By hand, from the stream's noise, in float64."""
    vae, num_samples = make_vae(), 7
    normals = threefry.normals(len(images) * num_samples, 2, seed=4)
    normals = normals.reshape(len(images), num_samples, 2)
    q, p = vae.encode(images), vae.prior.distribution()
    loc, scale = to_numpy(q.mean()), to_numpy(q.scale)
    log_weights = []
    for s in range(num_samples):
        z = loc + scale * normals[:, s]
        log_weights.append(
            to_numpy(vae.decode(z).log_prob(images))
            + to_numpy(p.log_prob(z))
            - to_numpy(q.log_prob(z))
        )
    expected = scipy.special.logsumexp(log_weights, axis=0) - np.log(7)
    received = vae.marginal_log_likelihood(images, num_samples, seed=4)
    np.testing.assert_allclose(received, expected, 1e-5)
    assert received.shape == (48,) and isinstance(received, np.ndarray)
    assert (received < 0).all()


def count_decoded(vae, monkeypatch):
    decoded = []
    decode = vae._decoded

    def counted(z, *others):
        decoded.append(int(z.shape[0]))
        return decode(z, *others)

    monkeypatch.setattr(vae, "_decoded", counted, raising=False)
    return decoded


@pytest.mark.parametrize("num_samples", [1, 5, 64, 101])
@pytest.mark.parametrize("seed", [0, None])
def test_exactly_so_many_samples_are_drawn(
    make_vae, images, monkeypatch, num_samples, seed
):
    vae = make_vae()
    monkeypatch.setattr(estimation, "_CHUNK", 100)
    decoded = count_decoded(vae, monkeypatch)
    vae.marginal_log_likelihood(images[:10], num_samples, seed=seed)
    assert sum(decoded) == 10 * num_samples
    assert max(decoded) <= 100


@pytest.mark.parametrize("chunk", [1, 7, 10_000])
def test_chunks_do_not_change_the_answer(make_vae, images, monkeypatch, chunk):
    vae = make_vae()
    expected = vae.marginal_log_likelihood(images[:4], 20, seed=1)
    monkeypatch.setattr(estimation, "_CHUNK", 4 * chunk)
    received = vae.marginal_log_likelihood(images[:4], 20, seed=1)
    np.testing.assert_allclose(received, expected, 1e-6)


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_batches_do_not_change_the_answer(make_vae, images, batch_size):
    vae = make_vae()
    expected = vae.marginal_log_likelihood(images, 5, seed=1)
    received = vae.marginal_log_likelihood(
        images, 5, seed=1, batch_size=batch_size
    )
    np.testing.assert_allclose(received, expected, 1e-5)


def test_weights_that_underflow_are_summed(make_vae, vectors):
    """exp(-20,000) is 0: the sum is taken of logarithms."""
    vae = make_vae(event_shape=(6,))
    estimate = vae.marginal_log_likelihood(100 * vectors, 5, seed=0)
    assert np.isfinite(estimate).all()
    assert estimate.min() < -10_000
