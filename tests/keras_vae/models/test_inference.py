"""encode, decode, compute_elbo, generate: what they promise."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vae import likelihoods
from keras_vae.distributions import kl_divergence
from keras_vae.objectives import ELBO
from keras_vae.random import threefry


@pytest.fixture
def vae(make_vae):
    return make_vae(latent_dim=3)


def test_compute_elbo_takes_its_noise_from_the_stream(vae, images, to_numpy):
    """Sample s of example n is sample n * num_samples + s of the stream."""
    num_samples, batch = 4, len(images)
    normals = threefry.normals(batch * num_samples, 3, seed=11)
    normals = normals.reshape(batch, num_samples, 3)
    q = vae.encode(images)
    loc, scale = to_numpy(q.mean()), to_numpy(q.scale)
    log_likelihood = np.zeros(batch)
    for s in range(num_samples):
        z = loc + scale * normals[:, s]
        log_likelihood += to_numpy(vae.decode(z).log_prob(images))
    kl = to_numpy(kl_divergence(q, vae.prior.distribution()))
    terms = vae.compute_elbo(images, num_samples, seed=11)
    expected = log_likelihood / num_samples
    np.testing.assert_allclose(to_numpy(terms.log_likelihood), expected, 1e-5)
    np.testing.assert_allclose(to_numpy(terms.kl), kl, 1e-5)
    np.testing.assert_allclose(to_numpy(terms.elbo), expected - kl, 1e-5)


def test_compute_elbo_seeds(vae, images, to_numpy):
    same, again, other, fresh, next_one = (
        to_numpy(vae.compute_elbo(images, seed=seed).elbo)
        for seed in (5, 5, 6, None, None)
    )
    np.testing.assert_array_equal(same, again)
    assert (same != other).any()
    assert (fresh != next_one).any()


def test_an_examples_elbo_does_not_depend_on_its_batch(vae, images, to_numpy):
    """The first of the stream's noise goes to the first example."""
    whole = to_numpy(vae.compute_elbo(images, seed=1).elbo)
    first = to_numpy(vae.compute_elbo(images[:5], seed=1).elbo)
    np.testing.assert_allclose(whole[:5], first, 1e-5)


def test_generate_uses_the_stream(vae):
    images, z = vae.generate(5, seed=3, return_latents=True)
    assert isinstance(images, np.ndarray) and images.dtype == np.float32
    np.testing.assert_array_equal(z, threefry.normals(5, 3, seed=3))
    np.testing.assert_allclose(
        images, ops.convert_to_numpy(vae.decode(z).mean()), atol=1e-6
    )


def test_generate_many_in_batches(vae):
    images, z = vae.generate(600, seed=3, return_latents=True)
    assert images.shape == (600, 4, 4, 1) and z.shape == (600, 3)
    np.testing.assert_allclose(
        images[-1:], ops.convert_to_numpy(vae.decode(z[-1:]).mean()), atol=1e-6
    )


def test_generate_corner_cases(vae):
    assert vae.generate(0, seed=0).shape == (0, 4, 4, 1)
    fresh = [vae.generate(1) for _ in range(2)]
    assert (fresh[0] != fresh[1]).any()
    _, z = vae.generate(3, seed=-1, temperature=0.5, return_latents=True)
    np.testing.assert_array_equal(z, threefry.normals(3, 3, -1, 0.5))
    still = vae.generate(2, seed=0, temperature=0.0)
    np.testing.assert_array_equal(still[0], still[1])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_samples": -1}, ValueError, "`num_samples`.*Received"),
        ({"num_samples": 1.5}, TypeError, "`num_samples`.*Received"),
        ({"seed": 2**63}, ValueError, "`seed`.*Received"),
        ({"seed": "a"}, TypeError, "`seed`.*Received"),
        (
            {"temperature": -1.0},
            ValueError,
            "`temperature` must be a finite number of at least 0. Received: "
            "temperature=-1.0. Pass e.g. `temperature=1.0`",
        ),
        ({"temperature": np.nan}, ValueError, "Received: temperature=nan"),
        ({"temperature": "warm"}, ValueError, "Received: temperature='warm'"),
    ],
)
def test_generate_checks_its_arguments(vae, options, error, message):
    with pytest.raises(error, match=message):
        vae.generate(**{"num_samples": 2, "seed": 0, **options})


def test_the_generator_is_a_model_of_its_own(vae, tmp_path):
    z = threefry.normals(4, 3, seed=0)
    assert vae.generator is vae.generator
    assert vae.generator.input_shape == (None, 3)
    assert vae.generator.output_shape == (None, 4, 4, 1)
    expected = ops.convert_to_numpy(vae.decode(z).mean())
    np.testing.assert_allclose(
        vae.generator.predict(z, verbose=0), expected, atol=1e-6
    )
    vae.generator.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras")
    np.testing.assert_allclose(
        loaded.predict(z, verbose=0), expected, atol=1e-6
    )


def test_the_generator_shares_the_weights(vae, images):
    z = threefry.normals(4, 3, seed=0)
    before = vae.generator.predict(z, verbose=0)
    count = len(vae.weights)
    vae.compile("adam")
    vae.fit(images, verbose=0)
    assert (vae.generator.predict(z, verbose=0) != before).all()
    assert len(vae.weights) == count


def test_generating_during_training(vae, images):
    """A callback that draws pictures at the end of each epoch."""
    pictures = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: pictures.append(
            vae.generate(2, seed=0)
        )
    )
    vae.compile(keras.optimizers.Adam(0.01))
    vae.fit(images, epochs=2, callbacks=[callback], verbose=0)
    assert (pictures[0] != pictures[1]).any()


def test_inference_is_not_training(make_vae, images, to_numpy):
    layers = [keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)]
    vae = make_vae(encoder_layers=layers)
    before = vae.get_weights()
    first, second = (
        [
            to_numpy(vae.encode(images).mean()),
            to_numpy(vae.reconstruct(images)),
            to_numpy(vae(images)),
            to_numpy(vae.compute_elbo(images, seed=0).elbo),
            vae.marginal_log_likelihood(images, 3, seed=0),
        ]
        for _ in range(2)
    )
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(before, vae.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_is(make_vae, images, freeze_noise):
    """Dropout drops and batch statistics move, in training alone."""
    normalisation = keras.layers.BatchNormalization()
    layers = [normalisation, keras.layers.Dropout(0.5, seed=1)]
    vae = freeze_noise(make_vae(encoder_layers=layers))
    vae.compile(keras.optimizers.SGD(0.0))
    start = normalisation.moving_mean.numpy().copy()
    losses = []
    for verb in (vae.test_on_batch, vae.test_on_batch, vae.train_on_batch):
        vae.reset_metrics()
        losses.append(float(verb(images, return_dict=True)["loss"]))
        moved = (normalisation.moving_mean.numpy() != start).any()
        assert moved == (verb == vae.train_on_batch)
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda vae, x: vae.encode(x[..., 0]),
            r"`x` must have shape \(batch, 4, 4, 1\). Received: x.shape="
            r"\(48, 4, 4\). Add the channel axis: `x\[..., None\]`",
        ),
        (
            lambda vae, x: vae.encode(x[0]),
            r"Received: x.shape=\(4, 4, 1\). Add a batch axis: `x\[None\]`",
        ),
        (
            lambda vae, x: vae.compute_elbo(x.reshape((48, 16))),
            r"Received: x.shape=\(48, 16\). Reshape it: "
            r"`x.reshape\(\(-1, 4, 4, 1\)\)`",
        ),
        (
            lambda vae, x: vae.reconstruct(np.repeat(x, 3, axis=-1)),
            r"Received: x.shape=\(48, 4, 4, 3\). Pass images of that size and "
            r"channel count, or build the encoder for `input_shape=\(4, 4, 3",
        ),
        (
            lambda vae, x: vae.marginal_log_likelihood(x[:, :2]),
            r"Received: x.shape=\(48, 2, 4, 1\)",
        ),
        (
            lambda vae, x: vae.decode(np.zeros((2, 5))),
            r"`z` must have shape \(batch, 3\). Received: z.shape=\(2, 5\)",
        ),
        (
            lambda vae, x: vae.decode(np.zeros(3)),
            r"Received: z.shape=\(3,\). Add a batch axis: `z\[None\]`",
        ),
        (
            lambda vae, x: vae.compute_elbo(x, num_samples=0),
            "`num_samples` must be a positive integer. Received: num_samples=0",
        ),
        (
            lambda vae, x: vae.marginal_log_likelihood(x, num_samples=0),
            "`num_samples` must be a positive integer",
        ),
        (
            lambda vae, x: vae.marginal_log_likelihood(x, batch_size=0),
            "`batch_size` must be a positive integer",
        ),
    ],
)
def test_wrong_shapes_are_errors(vae, images, call, message):
    with pytest.raises(ValueError, match=message):
        call(vae, images)


def test_the_fix_for_latents_speaks_of_latents(vae):
    with pytest.raises(ValueError) as caught:
        vae.decode(np.zeros((2, 5)))
    assert "images" not in str(caught.value)
    assert "encoder" not in str(caught.value)


@pytest.mark.parametrize(
    "likelihood",
    [
        likelihoods.Bernoulli(),
        likelihoods.Normal(scale="shared"),
        likelihoods.Normal(scale="per_output"),
        likelihoods.Normal(scale="predicted"),
    ],
    ids=["bernoulli", "shared", "per_output", "predicted"],
)
@pytest.mark.parametrize("event_shape", [(4, 4, 1), (6,)])
def test_several_samples_decode_as_one_does(
    make_vae, likelihood, event_shape, to_numpy
):
    """The samples' axis is folded into the batch and comes back in place."""
    likelihood = type(likelihood).from_config(likelihood.get_config())
    vae = make_vae(
        event_shape=event_shape,
        likelihood=likelihood,
        objective=ELBO(num_samples=3),
    )
    x = np.random.default_rng(0).integers(0, 2, (5, *event_shape))
    q = vae.encode(x)
    z = q.sample(3, seed=0)
    evidence = vae.evidence(ops.cast(x, "float32"), q, (z, q.log_prob(z)))
    together = to_numpy(evidence.likelihood.log_prob(x))
    assert together.shape == (3, 5)
    for s in range(3):
        one = to_numpy(vae.decode(z[s]).log_prob(x))
        np.testing.assert_allclose(together[s], one, 1e-5, 1e-5)
