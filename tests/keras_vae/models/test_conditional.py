"""The conditional VAE: what the condition does, and what is refused."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_vae
from keras_vae import likelihoods, networks, objectives, priors, testing
from tests.linear import raw_scale

SHAPE = (4, 4, 1)
CLASSES = 3
LATENT_DIM = 2


@pytest.fixture(scope="module")
def labels():
    return np.random.default_rng(2).integers(0, CLASSES, 48)


@pytest.fixture(scope="module")
def vectors_given():
    rng = np.random.default_rng(3)
    return rng.normal(size=(48, CLASSES)).astype("float32")


def make(seed=0, conv=False, **options):
    keras.utils.set_random_seed(seed)
    if conv:
        encoder = networks.conv_encoder(SHAPE, (2,), condition_dim=CLASSES)
        decoder = networks.conv_decoder(
            LATENT_DIM, SHAPE, (2,), condition_dim=CLASSES
        )
    else:
        tanh = {"activation": "tanh", "condition_dim": CLASSES}
        encoder = networks.mlp_encoder(SHAPE, (8,), **tanh)
        decoder = networks.mlp_decoder(LATENT_DIM, (8,), **tanh)
    return keras_vae.ConditionalVAE(encoder, decoder, seed=seed, **options)


def one_hot(labels):
    return np.eye(CLASSES, dtype="float32")[labels]


VAMP = {
    "prior": "vamp",
    "objective": objectives.ELBO(kl="monte_carlo"),
}


@pytest.mark.parametrize("kind", ["labels", "vectors"])
def test_every_check_passes(images, labels, vectors_given, kind):
    condition = labels if kind == "labels" else vectors_given
    vae = testing.run_vae_test(
        make, images, condition=condition, skip=["export_parity"]
    )
    assert vae.condition_dim == CLASSES


def test_every_check_passes_with_a_vamp_prior(images, labels):
    def make_vamp():
        prior = priors.VampPrior(num_pseudo_inputs=4)
        return make(**{**VAMP, "prior": prior})

    testing.run_vae_test(
        make_vamp, images, condition=labels, skip=["export_parity"]
    )


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("conv", [False, True])
def test_the_export_takes_the_condition(labels, conv):
    pytest.importorskip(
        "onnxruntime", reason="It runs the exported file, in onnxruntime."
    )
    testing.check_export_parity(make(conv=conv), condition=labels)


def test_labels_are_one_hot_vectors(images, labels):
    vae = make()
    answers = [
        vae.compute_elbo(images, seed=0, condition=condition).elbo
        for condition in (labels, labels[:, None], one_hot(labels))
    ]
    for answer in answers[1:]:
        np.testing.assert_array_equal(
            ops.convert_to_numpy(answer), ops.convert_to_numpy(answers[0])
        )


@pytest.mark.parametrize("conv", [False, True])
def test_the_condition_reaches_both_networks(images, conv, to_numpy):
    vae = make(conv=conv)
    x, z = images[:2], np.ones((2, LATENT_DIM), "float32")
    means = [to_numpy(vae.encode(x, c).mean()) for c in ([0, 0], [0, 1])]
    np.testing.assert_array_equal(means[0][0], means[1][0])
    assert np.abs(means[0][1] - means[1][1]).max() > 1e-3
    x = to_numpy(vae.decode(z, np.array([0, 1])).mean())
    assert np.abs(x[0] - x[1]).max() > 1e-3


def test_samples_meet_their_own_conditions(images, labels, to_numpy):
    """Several samples of an example are decoded with its condition."""
    vae = make()
    x, condition = images[:3], labels[:3]
    several = vae.compute_elbo(x, 4, seed=0, condition=condition)
    one = vae.encode(x, condition)
    z = one.sample(4, seed=1)
    draws = vae.evidence(
        ops.convert_to_tensor(x),
        one,
        (z, None),
        False,
        ops.convert_to_tensor(one_hot(condition)),
    )
    for sample in range(4):
        expected = vae.decode(z[sample], condition).log_prob(x)
        np.testing.assert_allclose(
            to_numpy(draws.log_likelihood)[sample], to_numpy(expected), 1e-5
        )
    assert np.isfinite(to_numpy(several.elbo)).all()


def test_a_linear_one_reaches_the_exact_conditional_likelihood(to_numpy):
    """With x = W z + V c + noise, log p(x|c) is that of a Gaussian."""
    rng = np.random.default_rng(0)
    w, v = rng.normal(size=(2, 5)), rng.normal(size=(CLASSES, 5))
    s = 0.7
    # q(z|x, c) = N(M^-1 W (x - V c), s^2 M^-1), diagonal by rotation
    m = w @ w.T + s**2 * np.eye(2)
    values, rotation = np.linalg.eigh(m)
    w, m_inverse = rotation.T @ w, np.diag(1 / values)
    encoder = networks.mlp_encoder((5,), (), condition_dim=CLASSES)
    decoder = networks.mlp_decoder(2, (), condition_dim=CLASSES)
    vae = keras_vae.ConditionalVAE(
        encoder, decoder, likelihood=likelihoods.Normal(scale=s)
    )
    c = rng.integers(0, CLASSES, 20)
    noise = s * rng.normal(size=(20, 5))
    x = (rng.normal(size=(20, 2)) @ w + v[c] + noise).astype("float32")
    kernel = np.concatenate([w, v])
    vae.likelihood.head.dense.set_weights([kernel, np.zeros(5)])
    to_z = w.T @ m_inverse
    kernel = np.concatenate([to_z, -v @ to_z])
    kernel = np.concatenate([kernel, np.zeros_like(kernel)], axis=1)
    raw = [raw_scale(scale) for scale in s * np.sqrt(np.diag(m_inverse))]
    bias = np.concatenate([np.zeros(2), raw])
    vae.posterior.head.dense.set_weights([kernel, bias])
    covariance = w.T @ w + s**2 * np.eye(5)
    residuals = x - v[c]
    exact = -0.5 * (
        np.einsum(
            "ni,ij,nj->n", residuals, np.linalg.inv(covariance), residuals
        )
        + np.linalg.slogdet(2 * np.pi * covariance)[1]
    )
    received = vae.marginal_log_likelihood(x, 3, seed=0, condition=c)
    np.testing.assert_allclose(received, exact, rtol=1e-4)


def test_generation(labels):
    vae = make()
    condition = np.array([2, 0, 1])
    x, z = vae.generate(3, seed=7, return_latents=True, condition=condition)
    again = vae.generate(3, seed=7, condition=one_hot(condition))
    np.testing.assert_array_equal(x, again)
    np.testing.assert_array_equal(
        z, vae.generate(3, seed=7, return_latents=True, condition=1)[1]
    )
    expected = ops.convert_to_numpy(vae.decode(z, condition).mean())
    np.testing.assert_allclose(x, expected, atol=1e-6)
    one = vae.generate(3, seed=7, condition=one_hot([1])[:1])
    np.testing.assert_array_equal(one, vae.generate(3, seed=7, condition=1))
    assert vae.generate(0, seed=7, condition=1).shape == (0, *SHAPE)


def test_predict_and_streams(images, labels):
    vae = make()
    vae.compile("adam")
    inputs = {"x": images, "condition": labels}
    assert vae.predict(inputs, verbose=0).shape == images.shape

    def batches():
        for start in range(0, 48, 16):
            part = slice(start, start + 16)
            yield images[part], labels[part]

    history = vae.fit(batches(), verbose=0).history
    assert np.isfinite(history["elbo"]).all()
    history = vae.fit(
        images,
        labels,
        validation_data=(images, labels),
        class_weight={0: 1.0, 1: 2.0, 2: 0.0},
        verbose=0,
    ).history
    assert np.isfinite(history["val_elbo"]).all()
    vae.train_on_batch(images, labels)
    assert np.isfinite(vae.evaluate(images, labels, verbose=0)).all()


def test_networks_with_a_dictionary_of_inputs(images, labels, to_numpy):
    def network(name, shape, units):
        inputs = {
            # In the order of their names, the condition stands first.
            "condition": keras.Input((CLASSES,), name="condition"),
            name: keras.Input(shape, name=name),
        }
        features = keras.layers.Flatten()(inputs[name])
        joined = keras.layers.Concatenate()([features, inputs["condition"]])
        return keras.Model(inputs, keras.layers.Dense(units)(joined))

    vae = keras_vae.ConditionalVAE(
        network("x", SHAPE, 8), network("z", (LATENT_DIM,), 8)
    )
    assert vae.event_shape == SHAPE
    z = vae.encode(images, labels).mean()
    condition = ops.convert_to_tensor(one_hot(labels))
    direct = vae.decoder({"z": z, "condition": condition})
    expected = vae.likelihood.distribution(vae.likelihood(direct)).mean()
    np.testing.assert_allclose(
        to_numpy(vae.reconstruct(images, labels)), to_numpy(expected), 1e-6
    )


def test_pseudo_inputs_have_conditions(images, labels):
    vae = make(**{**VAMP, "prior": priors.VampPrior(num_pseudo_inputs=4)})
    vae.prior.set_pseudo_inputs(images[:4], one_hot(labels[:4]))
    received = ops.convert_to_numpy(vae.prior.components().mean())
    pseudo = ops.convert_to_numpy(vae.prior.pseudo_inputs)
    expected = vae.encode(pseudo, labels[:4]).mean()
    np.testing.assert_allclose(
        received, ops.convert_to_numpy(expected), atol=1e-6
    )
    with pytest.raises(ValueError, match="`condition` must have the shape"):
        vae.prior.set_pseudo_inputs(images[:4], labels[:4])
    plain = priors.VampPrior(num_pseudo_inputs=4)
    keras_vae.VAE(
        networks.mlp_encoder(SHAPE),
        networks.mlp_decoder(2),
        **{**VAMP, "prior": plain},
    )
    with pytest.raises(ValueError, match="`condition` must be left out"):
        plain.set_pseudo_inputs(images[:4], one_hot(labels[:4]))


BAD = {
    "none": (lambda y: None, "must be given to a ConditionalVAE"),
    "too few": (lambda y: y[:5], "each of the 48 examples"),
    "class": (lambda y: y + 1, r"condition\[\d+\]=3. Pass labels from 0 to 2"),
    "fraction": (lambda y: y + 0.5, "labels of the 3 classes"),
    "size": (lambda y: np.zeros((48, 5)), r"condition.shape=\(48, 5\)"),
    "rank": (lambda y: np.zeros((48, 3, 1)), r"condition.shape=\(48, 3, 1\)"),
    "nan": (lambda y: np.full((48, 3), np.nan), "finite numbers"),
    "text": (lambda y: y.astype(str), "finite numbers"),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_conditions_are_refused(images, labels, fault):
    spoil, message = BAD[fault]
    vae = make()
    vae.compile("adam")
    for call in (
        lambda y: vae.fit(images, y, verbose=0),
        lambda y: vae.evaluate(images, y, verbose=0),
        lambda y: vae.fit(
            images, labels, validation_data=(images, y), verbose=0
        ),
        lambda y: vae.train_on_batch(images, y),
        lambda y: vae.encode(images, condition=y),
        lambda y: vae.compute_elbo(images, condition=y),
        lambda y: vae.marginal_log_likelihood(images, 2, condition=y),
    ):
        with pytest.raises(ValueError, match=message):
            call(spoil(labels))
    assert int(vae.training_step) == 0


def test_wrong_networks_are_refused():
    plain = networks.mlp_encoder(SHAPE)
    given = networks.mlp_encoder(SHAPE, condition_dim=3)
    decoder = networks.mlp_decoder(2, condition_dim=3)
    with pytest.raises(ValueError, match="`encoder` must have two inputs"):
        keras_vae.ConditionalVAE(plain, decoder)
    other = networks.mlp_decoder(2, condition_dim=4)
    with pytest.raises(ValueError, match="of the encoder's size.*has 3"):
        keras_vae.ConditionalVAE(given, other)
    with pytest.raises(ValueError, match="one input.*`ConditionalVAE`"):
        keras_vae.VAE(given, networks.mlp_decoder(2))
    with pytest.raises(ValueError, match="`condition_dim` must be"):
        networks.mlp_encoder(SHAPE, condition_dim=0)


def test_what_is_called_without_a_condition(make_vae, images, labels):
    with pytest.raises(ValueError, match="a dictionary of `x` and"):
        make()(images)
    with pytest.raises(ValueError, match="`condition` must be left out"):
        make_vae().encode(images, condition=labels)
    with pytest.raises(ValueError, match="`condition` must be left out"):
        make_vae().generate(2, seed=0, condition=1)
    with pytest.raises(ValueError, match="must be given to a Conditional"):
        make().generate(2, seed=0)
