"""What every registered posterior keeps to."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vae import posteriors
from keras_vae.distributions import Distribution
from keras_vae.testing.config import check_arguments

LATENT_DIM = 3
every_posterior = pytest.mark.parametrize("name", posteriors.registry.classes)


def built(kind, features_shape=(5,), **options):
    posterior = posteriors.registry.classes[kind](LATENT_DIM, **options)
    posterior.build((None, *features_shape))
    return posterior


def features(shape=(2, 5), size=1.0):
    values = np.random.default_rng(0).normal(size=shape)
    return (size * values).astype("float32")


@every_posterior
@pytest.mark.parametrize("features_shape", [(5,), (4, 4, 2), (3, 5)])
def test_shapes(name, features_shape):
    posterior = built(name, features_shape)
    q = posterior.distribution(posterior(features((2, *features_shape))))
    assert isinstance(q, Distribution)
    assert tuple(q.batch_shape) == (2,)
    assert tuple(q.event_shape) == (LATENT_DIM,)
    assert tuple(q.sample(4, seed=0).shape) == (4, 2, LATENT_DIM)


@every_posterior
@pytest.mark.parametrize("size", [0.0, 1.0, 1e2, 1e4])
def test_extreme_features_give_finite_answers(name, size):
    posterior = built(name)
    q = posterior.distribution(posterior(features(size=size)))
    z, log_q = q.from_noise_with_log_prob(*q.draw_noise(4, seed=0))
    for answer in (z, log_q, q.mean()):
        assert np.isfinite(ops.convert_to_numpy(answer)).all()


@every_posterior
def test_config_round_trip(name):
    posterior = built(name, name="q")
    check_arguments(posterior)
    serialized = keras.saving.serialize_keras_object(posterior)
    other = keras.saving.deserialize_keras_object(serialized)
    assert other.get_config() == posterior.get_config()
    assert other.built
    other.set_weights(posterior.get_weights())
    ours, theirs = (
        one.distribution(one(features())).mean() for one in (posterior, other)
    )
    np.testing.assert_array_equal(
        ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs)
    )


@every_posterior
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_float32_under_mixed_precision(name, policy):
    keras.config.set_dtype_policy(policy)
    posterior = built(name)
    half = ops.cast(features(), policy.removeprefix("mixed_"))
    q = posterior.distribution(posterior(half))
    z, log_q = q.from_noise_with_log_prob(*q.draw_noise(seed=0))
    for answer in (q.mean(), z, log_q):
        assert keras.backend.standardize_dtype(answer.dtype) == "float32"
    assert {v.dtype for v in posterior.trainable_variables} == {"float32"}


@every_posterior
@pytest.mark.parametrize(
    ("latent_dim", "error"),
    [(0, ValueError), (-2, ValueError), (2.0, TypeError), (None, TypeError)],
)
def test_latent_dim_is_checked(name, latent_dim, error):
    cls = posteriors.registry.classes[name]
    message = (
        "`latent_dim` must be a positive integer. Received: latent_dim="
        f".*`{cls.__name__}\\(latent_dim=16\\)`"
    )
    with pytest.raises(error, match=message):
        cls(latent_dim)


def test_integers_of_numpy_are_integers():
    posterior = posteriors.DiagonalNormal(np.int64(2))
    assert type(posterior.latent_dim) is int


def test_the_diagonal_normal_is_two_halves_of_one_dense():
    posterior = built("diagonal_normal")
    kernel, bias = posterior.head.dense.get_weights()
    x = features()
    raw = x @ kernel + bias
    parameters = posterior(x)
    np.testing.assert_allclose(
        ops.convert_to_numpy(parameters["loc"]), raw[:, :LATENT_DIM], 1e-5, 1e-6
    )
    scale = ops.convert_to_numpy(parameters["scale"])
    assert (scale > 0).all()
    np.testing.assert_array_equal(scale > 1, raw[:, LATENT_DIM:] > 0)
