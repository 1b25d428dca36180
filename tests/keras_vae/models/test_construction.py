"""A VAE is made of parts that fit, or there is one clear error."""

import keras
import numpy as np
import pytest

import keras_vae
from keras_vae import likelihoods, objectives, posteriors, priors

layers = keras.layers


def encoder(shape=(4, 4, 1), units=5):
    return keras.Sequential(
        [keras.Input(shape), layers.Flatten(), layers.Dense(units)]
    )


def decoder(latent_dim=3, units=5):
    return keras.Sequential([keras.Input((latent_dim,)), layers.Dense(units)])


class Custom(keras.Model):
    """A user's own network, with nothing but a call."""

    def __init__(self, units=5, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.flatten, self.dense = layers.Flatten(), layers.Dense(units)

    def call(self, x):
        return self.dense(self.flatten(x))


def built(model, shape):
    model.build((None, *shape))
    return model


def test_the_defaults():
    vae = keras_vae.VAE(encoder(), decoder())
    assert isinstance(vae.posterior, posteriors.DiagonalNormal)
    assert isinstance(vae.prior, priors.StandardNormal)
    assert isinstance(vae.likelihood, likelihoods.Bernoulli)
    assert isinstance(vae.objective, objectives.ELBO)
    assert vae.latent_dim == 3
    assert vae.event_shape == (4, 4, 1)
    assert vae.built


def test_names_and_objects_make_the_same():
    by_name = keras_vae.VAE(
        encoder(),
        decoder(),
        posterior="diagonal_normal",
        prior="standard_normal",
        likelihood="normal",
        objective="elbo",
    )
    by_object = keras_vae.VAE(
        encoder(),
        decoder(),
        posterior=posteriors.DiagonalNormal(3),
        prior=priors.StandardNormal(),
        likelihood=likelihoods.Normal(),
        objective=objectives.ELBO(),
    )
    for part in ("posterior", "prior", "likelihood", "objective"):
        ours, theirs = getattr(by_name, part), getattr(by_object, part)
        assert type(ours) is type(theirs)


NETWORKS = {
    "sequential": (encoder, decoder),
    "functional": (
        lambda: keras.Model(
            i := keras.Input((4, 4, 1)), layers.Dense(5)(layers.Flatten()(i))
        ),
        lambda: keras.Model(i := keras.Input((3,)), layers.Dense(5)(i)),
    ),
    "subclass": (
        lambda: built(Custom(), (4, 4, 1)),
        lambda: built(Custom(), (3,)),
    ),
    "built by a call": (
        lambda: _called(Custom(), (4, 4, 1)),
        lambda: _called(Custom(), (3,)),
    ),
    "sequential built late": (
        lambda: built(
            keras.Sequential([layers.Flatten(), layers.Dense(5)]), (4, 4, 1)
        ),
        lambda: built(keras.Sequential([layers.Dense(5)]), (3,)),
    ),
    "image to image": (
        lambda: keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(2, 3)]),
        lambda: keras.Sequential(
            [keras.Input((3,)), layers.Dense(32), layers.Reshape((4, 4, 2))]
        ),
    ),
}


def _called(model, shape):
    model(np.zeros((1, *shape), "float32"))
    return model


@pytest.mark.parametrize("kind", NETWORKS)
def test_any_keras_model_is_a_network(kind, images):
    make_encoder, make_decoder = NETWORKS[kind]
    vae = keras_vae.VAE(make_encoder(), make_decoder())
    vae.compile("adam")
    vae.fit(images, verbose=0)
    assert vae.generate(2, seed=0).shape == (2, 4, 4, 1)
    assert vae.event_shape == (4, 4, 1)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: keras_vae.VAE("mlp", decoder()),
            TypeError,
            "`encoder` must be a keras.Model. Received: encoder='mlp' of "
            "type str. Build one with e.g. `networks.mlp_encoder",
        ),
        (
            lambda: keras_vae.VAE(encoder(), layers.Dense(3)),
            TypeError,
            "`decoder` must be a keras.Model.*`networks.mlp_decoder",
        ),
        (
            lambda: keras_vae.VAE(Custom(), decoder()),
            ValueError,
            "`encoder` must be built, with one input of a known shape. "
            "Received: a Custom without one.*encoder.build\\(",
        ),
        (
            lambda: keras_vae.VAE(
                keras.Sequential([layers.Dense(3)]), decoder()
            ),
            ValueError,
            "`encoder` must be built",
        ),
        (
            lambda: keras_vae.VAE(encoder(), Custom()),
            ValueError,
            "`decoder` must be built, with one input of a known shape",
        ),
        (
            lambda: keras_vae.VAE(
                keras.Sequential(
                    [
                        keras.Input((None, None, 1)),
                        layers.GlobalAveragePooling2D(),
                    ]
                ),
                decoder(),
            ),
            ValueError,
            "`encoder` must have an input whose shape is fixed but for the "
            r"batch axis. Received: encoder.input_shape=\(None, None, None, 1",
        ),
        (
            lambda: keras_vae.VAE(
                keras.Model([keras.Input((3,)), i := keras.Input((3,))], i),
                decoder(),
            ),
            ValueError,
            "`encoder` must have one input.*`ConditionalVAE`",
        ),
        (
            lambda: keras_vae.VAE(
                keras.Model(i := keras.Input((3,)), [i, i]), decoder()
            ),
            ValueError,
            "`encoder` must give one tensor of features",
        ),
        (
            lambda: keras_vae.VAE(
                encoder(), decoder(), posterior=posteriors.DiagonalNormal(7)
            ),
            ValueError,
            r"`decoder` must take latents of shape \(batch, 7\), the "
            r"posterior's `latent_dim`. Received: decoder.input_shape="
            r"\(None, 3\).*mlp_decoder\(latent_dim=7\)",
        ),
        (
            lambda: keras_vae.VAE(
                encoder(),
                keras.Sequential([keras.Input((2, 3)), layers.Flatten()]),
            ),
            ValueError,
            r"`decoder` must take latents of shape \(batch, 3\).*\(None, 2, 3",
        ),
        (
            lambda: keras_vae.VAE(encoder(), decoder(), prior="nope"),
            ValueError,
            r"`prior` must be one of \[.*'standard_normal'.*\] or an object. "
            "Received: prior='nope'. Pass e.g. `prior='",
        ),
        (
            lambda: keras_vae.VAE(encoder(), decoder(), likelihood="bernouli"),
            ValueError,
            "Received: likelihood='bernouli'. Pass e.g. "
            "`likelihood='bernoulli'`",
        ),
        (
            lambda: keras_vae.VAE(encoder(), decoder(), posterior=3),
            TypeError,
            "`posterior` must be a Posterior or one of .* Received: "
            "posterior=3 of type int",
        ),
        (
            lambda: keras_vae.VAE(
                encoder(), decoder(), objective=objectives.ELBO
            ),
            TypeError,
            "`objective` must be a Objective|`objective` must be an Objective",
        ),
        (
            lambda: keras_vae.VAE(encoder(), decoder(), seed=-1),
            ValueError,
            "`seed` must be an integer from 0 to",
        ),
    ],
)
def test_what_does_not_fit_is_an_error(make, error, message):
    with pytest.raises(error, match=message):
        make()


def built_posterior(features):
    posterior = posteriors.DiagonalNormal(3)
    posterior.build((None, features))
    return posterior


def built_prior(latent_dim):
    prior = priors.StandardNormal()
    prior.build((None, latent_dim))
    return prior


def built_likelihood(features, event_shape):
    likelihood = likelihoods.Bernoulli()
    likelihood.build((None, features), event_shape=event_shape)
    return likelihood


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"posterior": built_posterior(9)}, "`posterior` was built for"),
        ({"prior": built_prior(1)}, "`prior` was built for"),
        ({"prior": built_prior(4)}, "`prior` was built for"),
        ({"likelihood": built_likelihood(9, (4, 4, 1))}, "`likelihood` was"),
        ({"likelihood": built_likelihood(5, (8,))}, "`likelihood` was built"),
    ],
    ids=repr,
)
def test_a_part_of_another_vae_must_fit(parts, message):
    with pytest.raises(ValueError, match=message):
        keras_vae.VAE(encoder(), decoder(), **parts)


def test_parts_may_be_shared(images):
    """A second VAE with the first one's parts has the first one's weights."""
    first = keras_vae.VAE(encoder(), decoder())
    second = keras_vae.VAE(
        first.encoder,
        first.decoder,
        first.posterior,
        first.prior,
        first.likelihood,
    )
    np.testing.assert_array_equal(
        first.predict(images, verbose=0), second.predict(images, verbose=0)
    )


def test_summary_and_count(capsys):
    vae = keras_vae.VAE(encoder(), decoder())
    vae.summary()
    assert "Trainable params" in capsys.readouterr().out
    dense = 16 * 5 + 5 + 5 * 6 + 6 + 3 * 5 + 5 + 5 * 16 + 16
    assert sum(int(np.prod(v.shape)) for v in vae.trainable_weights) == dense
