"""What every registered prior keeps to."""

import keras
import numpy as np
import pytest
import scipy.stats
from keras import ops

from keras_vae import priors
from keras_vae.random import threefry
from keras_vae.testing.config import check_arguments

LATENT_DIM = 3
# A VampPrior is nothing without the encoder of its VAE.
NAMES = [name for name in priors.registry.classes if name != "vamp"]
every_prior = pytest.mark.parametrize("name", NAMES)


def built(name):
    prior = priors.registry.classes[name]()
    prior.build((None, LATENT_DIM))
    return prior


def draw(prior, num_samples):
    normals = threefry.normals(num_samples, prior.num_normals, seed=1)
    bits = threefry.uniform_bits(num_samples, prior.num_uniforms, seed=1)
    return ops.convert_to_numpy(prior.from_noise(normals, bits))


@every_prior
def test_shapes(name):
    prior = built(name)
    p = prior.distribution()
    assert tuple(p.batch_shape) == ()
    assert tuple(p.event_shape) == (LATENT_DIM,)
    z = draw(prior, 5)
    assert z.shape == (5, LATENT_DIM)
    np.testing.assert_allclose(
        ops.convert_to_numpy(prior(z)), ops.convert_to_numpy(p.log_prob(z))
    )


@every_prior
def test_what_noise_gives_follows_the_density(name):
    """The mean of -log p over samples is the entropy, to 5 standard errors."""
    prior = built(name)
    p = prior.distribution()
    try:
        entropy = float(p.entropy())
    except NotImplementedError:
        pytest.skip("Its entropy has no closed form to compare with.")
    z = draw(prior, 4000)
    surprise = -ops.convert_to_numpy(p.log_prob(z)).astype("float64")
    error = surprise.std() / np.sqrt(len(surprise))
    assert abs(surprise.mean() - entropy) <= 5 * error + 1e-5


@every_prior
def test_config_round_trip(name):
    prior = built(name)
    check_arguments(prior)
    serialized = keras.saving.serialize_keras_object(prior)
    other = keras.saving.deserialize_keras_object(serialized)
    assert other.get_config() == prior.get_config()
    assert other.built and other.num_normals == prior.num_normals


@every_prior
def test_float32_under_mixed_precision(name):
    keras.config.set_dtype_policy("mixed_float16")
    prior = built(name)
    log_prob = prior(ops.zeros((2, LATENT_DIM), "float16"))
    assert keras.backend.standardize_dtype(log_prob.dtype) == "float32"


def test_the_standard_normal_is_what_it_says():
    prior = built("standard_normal")
    z = draw(prior, 4)
    np.testing.assert_array_equal(z, threefry.normals(4, LATENT_DIM, seed=1))
    np.testing.assert_allclose(
        ops.convert_to_numpy(prior(z)),
        scipy.stats.norm.logpdf(z.astype("float64")).sum(axis=-1),
        rtol=1e-5,
    )
    assert prior.num_uniforms == 0
    assert prior.weights == []
