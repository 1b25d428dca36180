"""The doctor on what an export really writes, with TensorFlow itself."""

import json
import pathlib
import shutil

import numpy as np
import pytest

from keras_vae_serving import doctor_serving
from keras_vae_serving.backends import UsageError

pytestmark = [pytest.mark.once, pytest.mark.slow]

SIGNATURES = {
    "decode",
    "encode",
    "generate",
    "generate_png",
    "generate_rows",
    "reconstruct",
    "score",
    "serving_default",
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A version directory of a small model."""
    import keras_vae_export
    from keras_vae import VAE, networks

    vae = VAE(
        encoder=networks.mlp_encoder((4, 3, 1), (4,)),
        decoder=networks.mlp_decoder(3, (6,)),
        likelihood="bernoulli",
    )
    rng = np.random.default_rng(0)
    for weight in vae.trainable_weights:
        weight.assign(rng.normal(size=weight.shape, scale=0.5))
    models = tmp_path_factory.mktemp("exported")
    return pathlib.Path(keras_vae_export.export(vae, models, name="digits"))


@pytest.fixture
def version(exported, tmp_path):
    """A copy of it."""
    return shutil.copytree(exported, tmp_path / "digits" / "1")


def test_it_loads_in_both_and_computes_the_same(exported):
    report = doctor_serving.collect(exported.parents[1])
    assert report.all_problems() == []
    (found,) = report.models[0].versions
    assert set(found.here) == set(found.tensorflow) == SIGNATURES
    assert 0 < found.max_difference <= 1e-5


def test_without_a_reference_the_inputs_are_made_up(version):
    path = version / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    reference = manifest["parity"]["reference"]["file"]
    (version / reference).unlink()
    del manifest["files"][reference]
    path.write_text(json.dumps(manifest), "utf-8")
    report = doctor_serving.collect(version)
    assert report.all_problems() == []
    (found,) = report.models[0].versions
    assert set(found.here) == set(found.tensorflow) == SIGNATURES
    assert found.max_difference <= 1e-5


def test_a_saved_model_that_is_cut_off(version):
    path = version / "saved_model.pb"
    path.write_bytes(path.read_bytes()[:-100])
    problems = doctor_serving.collect(version).all_problems()
    assert "`saved_model.pb` is not what was exported" in problems[0]
    assert "TensorFlow could not load it" in problems[1]


def test_a_directory_is_needed(tmp_path):
    with pytest.raises(UsageError, match="must be given a directory"):
        doctor_serving.collect(tmp_path / "none")
