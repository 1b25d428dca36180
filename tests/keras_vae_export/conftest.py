import importlib

import keras
import numpy as np
import pytest

import keras_vae
from keras_vae import likelihoods, networks

LATENT_DIM = 3
# Kind of model: shape of x, likelihood.
KINDS = {
    "mlp_bernoulli": ((4, 3, 1), "bernoulli"),
    "mlp_vector_normal": ((5,), "normal"),
    "conv_bernoulli": ((8, 8, 1), "bernoulli"),
    "conv_odd_normal": ((7, 5, 2), "predicted"),
    "batch_norm": ((4, 4, 1), "bernoulli"),
    "recurrent": ((5, 2), "shared"),
    "conv_both": ((8, 8, 1), "bernoulli"),
}


def make_decoder(kind, x_shape, dtype):
    if kind.startswith("mlp"):
        return networks.mlp_decoder(LATENT_DIM, (6,), dtype=dtype)
    if kind.startswith("conv"):
        return networks.conv_decoder(LATENT_DIM, x_shape, (4, 3), dtype=dtype)
    z = keras.Input((LATENT_DIM,))
    if kind == "recurrent":
        h = keras.layers.RepeatVector(x_shape[0])(z)
        return keras.Model(z, keras.layers.GRU(4, return_sequences=True)(h))
    h = keras.layers.Reshape((2, 2, 3))(keras.layers.Dense(12)(z))
    h = keras.layers.Conv2DTranspose(4, 3, strides=2, padding="same")(h)
    return keras.Model(z, keras.layers.BatchNormalization()(h))


def randomize(vae):
    # Initial weights hold zeros and ones, which converters leave out.
    rng = np.random.default_rng(0)
    for weight in vae.trainable_weights:
        weight.assign(rng.normal(size=weight.shape, scale=0.5))
    return vae


@pytest.fixture(scope="session")
def make_kind():
    def make(kind="mlp_bernoulli", decoder=None, dtype=None, name="tiny"):
        x_shape, likelihood = KINDS[kind]
        if likelihood in ("predicted", "shared"):
            likelihood = likelihoods.Normal(scale=likelihood)
        if kind == "conv_both":
            encoder = networks.conv_encoder(x_shape, (3, 4), dtype=dtype)
        else:
            encoder = networks.mlp_encoder(x_shape, (4,), dtype=dtype)
        vae = keras_vae.VAE(
            encoder=encoder,
            decoder=decoder or make_decoder(kind, x_shape, dtype),
            likelihood=likelihood,
            name=name,
        )
        return randomize(vae)

    return make


@pytest.fixture
def import_file(tmp_path, monkeypatch):
    """Writes a module of a user's, and imports it."""

    def write_and_import(name, source):
        folder = tmp_path / "user_modules"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(str(folder))
        return importlib.import_module(name)

    return write_and_import


@pytest.fixture
def tree():
    """Lists the files and directories below a path."""

    def list_tree(folder):
        found = folder.rglob("*")
        return sorted(path.relative_to(folder).as_posix() for path in found)

    return list_tree
