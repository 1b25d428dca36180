"""What the tests of every folder share."""

import os
import pathlib
import tempfile

import keras
import numpy as np
import pytest

import keras_vae
from keras_vae import likelihoods
from tests.workers import Workers

BACKEND = keras.backend.backend()
if BACKEND == "jax":
    # Nearly all of the time would go into compiling. Most tests train the
    # same tiny VAE: its step is compiled once, with little optimization, and
    # found again by the other tests. The folder goes with the session.
    import jax

    jax.config.update("jax_disable_most_optimizations", True)

    COMPILED = tempfile.TemporaryDirectory(prefix="jax_cache_")
    jax.config.update("jax_compilation_cache_dir", COMPILED.name)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
# The suite that runs what needs no backend, or all of them.
ONCE_BACKEND = "tensorflow"


def pytest_collection_modifyitems(items):
    if BACKEND == ONCE_BACKEND:
        return
    skip = pytest.mark.skip(
        reason="It does not depend on the backend, or compares all three: it "
        f"runs in the suite with KERAS_BACKEND={ONCE_BACKEND} alone."
    )
    for item in items:
        if item.get_closest_marker("once"):
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def seeded():
    """Every test starts from the same seeds and the default precision."""
    policy = keras.config.dtype_policy()
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy(policy)


@pytest.fixture(scope="session")
def workers():
    """`workers("jax").call("tests.worker_tasks:versions")`, for each backend.

    The processes start when first asked for and live as long as the session.
    """
    pool = Workers()
    yield pool.get
    pool.stop()


@pytest.fixture(scope="session")
def mnist_dir():
    """The folder of TFDS_DATA_DIR, where it holds `mnist`."""
    folder = os.environ.get("TFDS_DATA_DIR", "")
    if not folder or not (pathlib.Path(folder) / "mnist").is_dir():
        pytest.skip("TFDS_DATA_DIR names no folder that holds `mnist`.")
    return folder


@pytest.fixture(scope="session")
def images():
    """48 binary images (4, 4, 1): a bright and a dark half, with noise."""
    rng = np.random.default_rng(0)
    halves = np.zeros((2, 4, 4, 1))
    halves[0, :, :2], halves[1, :2] = 1, 1
    clean = halves[rng.integers(0, 2, 48)]
    flips = rng.random(clean.shape) < 0.05
    return np.abs(clean - flips).astype("float32")


@pytest.fixture(scope="session")
def vectors():
    """48 real vectors (6,), near a plane."""
    rng = np.random.default_rng(1)
    latents = rng.normal(size=(48, 2)) @ rng.normal(size=(2, 6))
    return (latents + 0.1 * rng.normal(size=(48, 6))).astype("float32")


def tiny_encoder(event_shape, units=8, extra=()):
    """A dense encoder; `extra` layers stand behind its first Dense."""
    inputs = keras.Input(event_shape)
    features = keras.layers.Flatten()(inputs)
    features = keras.layers.Dense(units, activation="tanh")(features)
    for layer in extra:
        features = layer(features)
    return keras.Model(inputs, features, name="encoder")


def tiny_decoder(latent_dim, units=8, extra=()):
    """A dense decoder; `extra` layers stand behind its first Dense."""
    inputs = keras.Input((latent_dim,))
    features = keras.layers.Dense(units, activation="tanh")(inputs)
    for layer in extra:
        features = layer(features)
    return keras.Model(inputs, features, name="decoder")


@pytest.fixture(scope="session")
def make_vae():
    """Makes a tiny VAE; the same `seed` gives the same weights and noise."""

    def make(event_shape=(4, 4, 1), latent_dim=2, seed=0, **options):
        keras.utils.set_random_seed(seed)
        encoder_layers = options.pop("encoder_layers", ())
        decoder_layers = options.pop("decoder_layers", ())
        if event_shape == (6,):
            options.setdefault("likelihood", likelihoods.Normal(scale=0.5))
        return keras_vae.VAE(
            options.pop("encoder", None)
            or tiny_encoder(event_shape, extra=encoder_layers),
            options.pop("decoder", None)
            or tiny_decoder(latent_dim, extra=decoder_layers),
            seed=seed,
            **options,
        )

    return make


@pytest.fixture(scope="session")
def freeze_noise():
    """Gives a VAE fixed noise: the same for each example in every step."""

    def freeze(vae, value=0.5):
        def noise(distribution, num_samples):
            lead = () if num_samples is None else (num_samples,)
            shape = (*lead, *distribution.batch_shape, distribution.num_normals)
            return keras.ops.full(shape, value, dtype="float32")

        def sample(distribution, num_samples=None):
            return distribution.from_noise(noise(distribution, num_samples))

        def sample_with_log_prob(distribution, num_samples=None):
            return distribution.from_noise_with_log_prob(
                noise(distribution, num_samples)
            )

        vae.sampling.sample = sample
        vae.sampling.sample_with_log_prob = sample_with_log_prob
        return vae

    return freeze


@pytest.fixture(scope="session")
def to_numpy():
    """Turns tensors of the backend, in any structure, into arrays."""

    def convert(value):
        if isinstance(value, dict):
            return {name: convert(one) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [convert(one) for one in value]
        return np.array(keras.ops.convert_to_numpy(value))

    return convert
