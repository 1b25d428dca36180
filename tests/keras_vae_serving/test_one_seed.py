"""One seed, the same latents: from the model, its files and its servers."""

import numpy as np
import onnxruntime
import pytest

from keras_vae_serving import Client
from tests.keras_vae_serving.client.served import PROTOCOLS, serve

pytestmark = [pytest.mark.once, pytest.mark.slow]

SEEDS = [7, -1, 0, 1, 2**63 - 1, -(2**63), 123456789]
TEMPERATURES = [1.0, 1.0, 0.5, 0.0, 1.0, 0.8, 2.0]
# What arithmetic after the noise may change; 0 where there is none.
TOLERANCES = {"standard_normal": 0.0, "gaussian_mixture": 1e-5}
# Of the stream, for latents of 4 numbers, temperature 1.
SEED_7 = [-0.0404642, -0.4362647, -0.3205668, 0.7990275]


def make_vae(prior):
    """A small VAE; neither its weights nor its prior's are the first ones."""
    from keras_vae import VAE, networks, objectives

    vae = VAE(
        encoder=networks.mlp_encoder((4, 3, 1), (4,)),
        decoder=networks.mlp_decoder(4, (6,)),
        prior=prior,
        likelihood="bernoulli",
        objective=objectives.ELBO(kl="monte_carlo"),
        name=prior,
    )
    rng = np.random.default_rng(0)
    for weight in vae.trainable_weights:
        weight.assign(rng.normal(size=weight.shape, scale=0.5))
    return vae


@pytest.fixture(scope="module", params=TOLERANCES)
def exported(request, tmp_path_factory):
    """A VAE, its version directory, and how far its latents may differ."""
    import keras_vae_export

    vae = make_vae(request.param)
    models = tmp_path_factory.mktemp("models")
    directory = keras_vae_export.export(vae, models, name=request.param)
    return vae, directory, TOLERANCES[request.param]


@pytest.fixture(scope="module")
def reference(exported):
    """What `generate` draws in the library: x and z, a row for each seed."""
    vae = exported[0]
    pairs = [
        vae.generate(1, seed, temperature, return_latents=True)
        for seed, temperature in zip(SEEDS, TEMPERATURES, strict=True)
    ]
    return [np.concatenate(arrays) for arrays in zip(*pairs, strict=True)]


def check(found, reference, tolerance):
    x, z = reference
    assert found["z"].dtype == np.float32
    if tolerance:
        np.testing.assert_allclose(found["z"], z, rtol=0, atol=tolerance)
    else:
        np.testing.assert_array_equal(found["z"], z)
    np.testing.assert_allclose(found["x"], x, rtol=0, atol=1e-5)


def inputs():
    seeds = np.asarray(SEEDS, "int64")
    return {"seed": seeds, "temperature": np.asarray(TEMPERATURES, "float32")}


def test_the_check_values(exported, reference):
    if exported[2] == 0:
        np.testing.assert_allclose(reference[1][0], SEED_7, atol=5e-8)


def test_onnxruntime(exported, reference):
    path = exported[1] / "onnx" / "generate_rows.onnx"
    session = onnxruntime.InferenceSession(path)
    names = [one.name for one in session.get_outputs()]
    found = dict(zip(names, session.run(names, inputs()), strict=True))
    check(found, reference, exported[2])


def test_the_saved_model(exported, reference):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(exported[1]))
    rows = loaded.signatures["generate_rows"]
    tensors = {name: tf.constant(value) for name, value in inputs().items()}
    found = {name: one.numpy() for name, one in rows(**tensors).items()}
    check(found, reference, exported[2])


def test_the_servers(exported, reference):
    _, directory, tolerance = exported
    answers = []
    with serve(directory.parents[1]) as running:
        for protocol in PROTOCOLS:
            address = running.addresses[protocol]
            with Client(address, directory.parent.name) as client:
                x, z = client.generate_rows(SEEDS, TEMPERATURES, True)
                check({"x": x, "z": z}, reference, tolerance)
                answers.append((x, z))
                each = [
                    client.generate(1, seed, temperature, True)
                    for seed, temperature in zip(
                        SEEDS, TEMPERATURES, strict=True
                    )
                ]
                rows = [np.concatenate(one) for one in zip(*each, strict=True)]
                check(dict(zip("xz", rows, strict=True)), reference, tolerance)
    for over_rest, over_grpc in zip(*answers, strict=True):
        np.testing.assert_array_equal(over_rest, over_grpc)


def test_the_first_samples_do_not_depend_on_how_many(exported):
    vae, directory, tolerance = exported
    x, z = vae.generate(9, 7, return_latents=True)
    with serve(directory.parents[1]) as running:
        for protocol in PROTOCOLS:
            address = running.addresses[protocol]
            with Client(address, directory.parent.name) as client:
                for count in (9, 3):
                    found = client.generate(count, 7, return_latents=True)
                    named = dict(zip("xz", found, strict=True))
                    check(named, (x[:count], z[:count]), tolerance)
