"""Steps on JAX, from noise that was drawn before them."""

import keras
import numpy as np
import pytest

from keras_vae import VAE
from tests.conftest import BACKEND

if BACKEND != "jax":
    pytest.skip("It is about JAX's steps.", allow_module_level=True)

from keras_vae.trainers import jax_execution, jax_noise


@pytest.fixture(autouse=True)
def in_groups(monkeypatch):
    monkeypatch.setattr(VAE, "most_steps", 4)


@pytest.fixture
def made(monkeypatch):
    """Lists what draws noise in advance."""
    found = []

    class Noted(jax_noise.StepNoise):
        def __init__(self, *args):
            super().__init__(*args)
            found.append(self)

    monkeypatch.setattr(jax_execution, "StepNoise", Noted)
    return found


def trained(vae, images, fast_path=True):
    """Trains in groups of 4, 4 and 2 steps; then validates."""
    vae.compile("adam", fast_path=fast_path)
    vae.fit(images[:40], batch_size=4, shuffle=False, verbose=0)
    vae.evaluate(images[:40], batch_size=4, verbose=0)
    return vae


def assert_same(make, images):
    """Groups and single steps give the same weights, and the same seeds."""
    ours, theirs = (trained(make(), images, fast) for fast in (True, False))
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    seeds = [
        keras.ops.convert_to_numpy(vae.sampling.seed_generator.state)
        for vae in (ours, theirs)
    ]
    np.testing.assert_array_equal(*seeds)


def test_a_group_draws_what_its_steps_would(make_vae, images, made):
    assert_same(make_vae, images)
    assert [len(one.draws) for one in made] == [1]
    assert made[0].num_steps == 4


def test_a_seed_that_other_draws_move_on_stays_in_the_step(
    make_vae, images, made
):
    seeds = [0]  # The model's seed comes behind, once there is a model.

    class Noisy(keras.layers.Layer):
        def call(self, inputs):
            shape = keras.ops.shape(inputs)
            return inputs + 0.1 * keras.random.normal(shape, seed=seeds[-1])

    def make():
        seeds[1:] = []
        vae = make_vae(encoder_layers=[Noisy()])
        seeds.append(vae.sampling.seed_generator)
        return vae

    assert_same(make, images)
    assert [one.draws for one in made] == [[]]


def test_a_seed_of_its_own_hinders_nothing(make_vae, images, made):
    def make():
        return make_vae(encoder_layers=[keras.layers.Dropout(0.2, seed=3)])

    assert_same(make, images)
    assert [len(one.draws) for one in made] == [1]


def test_no_more_noise_than_there_is_room_for(
    make_vae, images, made, monkeypatch
):
    """A step of 4 images with 2 latents draws 32 bytes; a group has 4."""
    monkeypatch.setattr(jax_noise, "_LIMIT", 4 * 32)
    trained(make_vae(), images)
    monkeypatch.setattr(jax_noise, "_LIMIT", 4 * 32 - 1)
    assert_same(make_vae, images)
    assert [len(one.draws) for one in made] == [1, 0]
