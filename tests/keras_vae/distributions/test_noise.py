"""Noise that is drawn before the step that takes it."""

import keras
import numpy as np
import pytest

from keras_vae.distributions import Laplace, Normal, noise


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("kind", [Normal, Laplace])
def test_what_was_recorded_draws_the_same(kind):
    zeros = keras.ops.zeros((3, 2))
    distribution = kind(zeros, zeros + 1.0)
    expected = distribution.sample(4, keras.random.SeedGenerator(7))
    seed = keras.random.SeedGenerator(7)
    before = to_numpy(seed.state)
    with noise.recorded() as draws:
        distribution.sample(4, seed)
    np.testing.assert_array_equal(to_numpy(seed.state), before)
    values = [draw() for draw in draws]
    after = to_numpy(seed.state)
    assert not np.array_equal(after, before)
    with noise.played(values):
        samples = distribution.sample(4, seed)
    np.testing.assert_array_equal(to_numpy(samples), to_numpy(expected))
    np.testing.assert_array_equal(to_numpy(seed.state), after)


def test_integers_and_none_are_no_concern_of_it():
    normal = Normal(keras.ops.zeros((3, 2)), keras.ops.ones((3, 2)))
    expected = to_numpy(normal.sample(4, 1))
    with noise.recorded() as draws:
        np.testing.assert_array_equal(to_numpy(normal.sample(4, 1)), expected)
        normal.sample(4)
    assert draws == []
