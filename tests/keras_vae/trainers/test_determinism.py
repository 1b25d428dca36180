"""Noise is fresh at each step, and the same for the same seeds."""

import keras
import numpy as np
import pytest


def elbos(vae, x, steps=3, **compiled):
    """The ELBO of each of some steps that leave the weights alone."""
    vae.compile(keras.optimizers.SGD(0.0), **compiled)
    seen = []
    for _ in range(steps):
        vae.reset_metrics()
        logs = vae.train_on_batch(x, return_dict=True)
        seen.append(float(logs["log_likelihood"]))
    return seen


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_each_step_draws_fresh_noise(make_vae, images, run_eagerly):
    """A generator seeded while tracing would give the same at each step."""
    seen = elbos(make_vae(), images, run_eagerly=run_eagerly)
    assert len(set(seen)) == 3


def test_each_batch_of_an_evaluation_draws_fresh_noise(make_vae, images):
    vae = make_vae()
    vae.compile("sgd")
    twice = np.concatenate([images, images])
    first = vae.evaluate(twice, batch_size=48, verbose=0, return_dict=True)
    second = vae.evaluate(twice, batch_size=48, verbose=0, return_dict=True)
    assert first["log_likelihood"] != second["log_likelihood"]


def test_examples_and_samples_draw_different_noise(make_vae, images):
    vae = make_vae()
    same = np.repeat(images[:1], 4, axis=0)
    z = vae.sampling.sample(vae.encode(same), 2)
    z = keras.ops.convert_to_numpy(z).reshape(-1)
    assert len(np.unique(z)) == 16


def test_the_same_seeds_train_the_same(make_vae, images):
    weights = []
    for seed in (0, 0, 1):
        vae = make_vae(seed=seed)
        vae.compile("adam")
        vae.fit(images, batch_size=16, epochs=2, verbose=0)
        weights.append(vae.get_weights())
    for a, b in zip(weights[0], weights[1], strict=True):
        np.testing.assert_array_equal(a, b)
    pairs = zip(weights[0], weights[2], strict=True)
    assert any((a != b).any() for a, b in pairs)


def test_the_sampling_seed_alone_moves_the_noise(make_vae, images):
    first, second = make_vae(), make_vae()
    other = type(first).from_config({**first.get_config(), "seed": 5})
    other.set_weights(first.get_weights())
    assert elbos(first, images) == elbos(second, images)
    assert set(elbos(first, images)).isdisjoint(elbos(other, images))
