"""Faults that VAE libraries have had, each of them a test here.

Others stand with their subject: importance weights the wrong way round and
samples that are not counted in `objectives/test_importance.py`, a KL that is
clamped away in `objectives/test_kl_penalty.py`, `num_samples` that is not
what is drawn in `models/test_marginal.py`, grey levels under a Bernoulli in
`trainers/test_data_checks.py`, hard bounds of scales in
`distributions/test_bounds.py`, mixed precision without loss scaling in
`trainers/test_optimizers.py`.
"""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vae import likelihoods


def test_rgb_reconstruction_is_summed_over_channels(make_vae, to_numpy):
    """A binary cross-entropy averages the channels: a third of the nats."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (5, 4, 4, 3)).astype("float32")
    vae = make_vae(event_shape=(4, 4, 3))
    z = vae.encode(x).mean()
    p = np.clip(to_numpy(vae.decode(z).mean()).astype("float64"), 0, 1)
    pixels = x * np.log(p) + (1 - x) * np.log(1 - p)
    np.testing.assert_allclose(
        to_numpy(vae.decode(z).log_prob(x)), pixels.sum(axis=(1, 2, 3)), 1e-5
    )


def test_a_grey_image_thrice_has_thrice_its_log_likelihood(to_numpy):
    """Three equal channels are three times as much evidence, not the same."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(5, 4, 4, 1)).astype("float32")
    x = rng.normal(size=(5, 4, 4, 1)).astype("float32")
    answers = []
    for channels in (1, 3):
        likelihood = likelihoods.Normal(scale=0.5)
        likelihood.build((None, 4, 4, channels), (4, 4, channels))
        likelihood.head.dense.set_weights(
            [np.eye(channels), np.zeros(channels)]
        )
        parameters = likelihood(ops.repeat(features, channels, axis=-1))
        p = likelihood.distribution(parameters)
        answers.append(to_numpy(p.log_prob(np.repeat(x, channels, axis=-1))))
    np.testing.assert_allclose(answers[1], 3 * answers[0], rtol=1e-5)


def test_the_marginal_log_likelihood_has_the_sign_of_its_name(
    make_vae, images, to_numpy
):
    """Higher is better: log p(x) of binary data is below 0, not above."""
    vae = make_vae()
    received = vae.marginal_log_likelihood(images, 100, seed=0)
    elbo = to_numpy(vae.compute_elbo(images, 100, seed=0).elbo)
    assert (received < 0).all()
    # It is at least the ELBO of the same noise.
    assert (received >= elbo - 1e-4).all()
    before = received.mean()
    vae.compile(keras.optimizers.Adam(0.01))
    vae.fit(images, epochs=20, verbose=0)
    after = vae.marginal_log_likelihood(images, 100, seed=0).mean()
    assert after > before


def test_evaluation_takes_every_batch(make_vae, freeze_noise, images):
    """Not the first batch alone, divided by their number."""
    vae = freeze_noise(make_vae())
    vae.compile()
    whole = vae.evaluate(images, batch_size=48, verbose=0, return_dict=True)
    # The last of the batches is smaller than the others.
    parts = vae.evaluate(images, batch_size=20, verbose=0, return_dict=True)
    for name in ("elbo", "log_likelihood", "kl"):
        assert parts[name] == pytest.approx(whole[name], rel=1e-5)


def test_both_terms_of_the_elbo_are_sums_over_their_dimensions(
    make_vae, vectors, to_numpy
):
    """Neither a mean over pixels beside a summed KL, nor the reverse."""
    vae = make_vae(event_shape=(6,))
    q = vae.encode(vectors)
    loc, scale = to_numpy(q.loc), to_numpy(q.scale)
    each = 0.5 * (loc**2 + scale**2 - 1) - np.log(scale)
    terms = vae.compute_elbo(vectors, seed=0)
    np.testing.assert_allclose(to_numpy(terms.kl), each.sum(axis=1), 1e-4)
    z = q.sample(1, seed=0)[0]
    mean = to_numpy(vae.decode(z).mean())
    pixels = -0.5 * ((vectors - mean) / 0.5) ** 2 - np.log(
        0.5 * np.sqrt(2 * np.pi)
    )
    received = to_numpy(vae.decode(z).log_prob(vectors))
    np.testing.assert_allclose(received, pixels.sum(axis=1), 1e-4)
