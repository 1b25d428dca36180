"""The layer that ends a VAE's generator."""

import keras
import numpy as np
from keras import ops

from keras_vae import likelihoods


def make_mean():
    likelihood = likelihoods.Normal(scale="predicted", name="likelihood")
    likelihood.build((None, 5), event_shape=(4, 2))
    return likelihoods.LikelihoodMean(likelihood)


def test_it_gives_the_mean():
    layer = make_mean()
    x = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    likelihood = layer.likelihood
    expected = likelihood.distribution(likelihood(x)).mean()
    np.testing.assert_array_equal(
        ops.convert_to_numpy(layer(x)), ops.convert_to_numpy(expected)
    )
    assert layer.compute_output_shape((None, 5)) == (None, 4, 2)


def test_it_is_saved_with_its_likelihood(tmp_path):
    inputs = keras.Input((5,))
    model = keras.Model(inputs, make_mean()(inputs))
    model.save(tmp_path / "mean.keras")
    loaded = keras.saving.load_model(tmp_path / "mean.keras")
    x = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    np.testing.assert_array_equal(
        ops.convert_to_numpy(loaded(x)), ops.convert_to_numpy(model(x))
    )
