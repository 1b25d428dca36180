import math

import numpy as np
import pytest

from keras_vae import likelihoods
from keras_vae.cli import measuring
from keras_vae.cli.output import Output


def test_figures_are_means_over_batches(
    make_vae, images, to_numpy, monkeypatch
):
    vae = make_vae()
    monkeypatch.setattr(measuring, "_BATCH", 20)
    output = Output(as_json=True)
    figures = measuring.measure(vae, images, output, importance_samples=3)
    elbo, marginal = [], []
    for index, start in enumerate((0, 20, 40)):
        batch = images[start : start + 20]
        seed = measuring.noise_seed(0, index)
        elbo.append(to_numpy(vae.compute_elbo(batch, seed=seed).elbo))
        marginal.append(vae.marginal_log_likelihood(batch, 3, seed=seed))
    elbo, marginal = np.concatenate(elbo), np.concatenate(marginal)
    assert figures["elbo"] == pytest.approx(elbo.mean())
    assert figures["marginal_log_likelihood"] == pytest.approx(marginal.mean())
    error = elbo.std() / math.sqrt(48)
    assert figures["elbo_standard_error"] == pytest.approx(error, rel=1e-4)
    assert (figures["num_examples"], figures["num_dims"]) == (48, 16)


def test_bits_per_dim():
    assert measuring.bits_per_dim(-16 * math.log(2), 16) == pytest.approx(1.0)


def test_noise_seeds_are_many_and_fit_an_int64():
    seeds = {measuring.noise_seed(s, i) for s in range(-5, 5) for i in range(9)}
    assert len(seeds) == 90
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize(
    ("likelihood", "word"),
    [
        (likelihoods.Bernoulli(), "log-likelihood"),
        (likelihoods.Bernoulli(allow_grey=True), "cross-entropy on grey"),
        (likelihoods.Normal(), "log-density of intensities"),
    ],
)
def test_kind(likelihood, word):
    assert measuring.kind(likelihood).startswith(word)
