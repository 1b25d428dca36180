import hashlib
import json

import keras
import pytest

from keras_vae import likelihoods
from keras_vae_export import manifest
from keras_vae_export.reference import make_reference
from keras_vae_export.requests import Report
from keras_vae_export.signatures import SIGNATURES, in_format


@pytest.fixture
def build(make_kind, tmp_path):
    def call(kind="conv_odd_normal", formats=("tf_saved_model", "onnx")):
        vae = make_kind(kind)
        (tmp_path / "onnx").mkdir()
        (tmp_path / "onnx" / "decode.onnx").write_bytes(b"onnx")
        (tmp_path / "saved_model.pb").write_bytes(b"saved model")
        differences = {"onnx/decode.onnx": {"onnxruntime": 1e-7}}
        sizes = {"onnx/decode.onnx": [1, 3, 16]}
        versions = {"tensorflow": "2.21.0"}
        report = Report(2e-7, differences, sizes, versions)
        reference = make_reference(vae)
        content = manifest.build(
            tmp_path / "digits" / "4",
            tmp_path,
            formats,
            vae,
            True,
            reference,
            report,
        )
        manifest.write(tmp_path, content)
        return json.loads((tmp_path / "manifest.json").read_text())

    return call


def test_what_it_says_of_the_model(build):
    found = build()
    assert found["format_version"] == 1
    assert (found["name"], found["version"]) == ("digits", 4)
    assert found["model"] == {"class_name": "VAE", "name": "tiny"}
    assert (found["latent_dim"], found["event_shape"]) == (3, [7, 5, 2])
    assert found["dtypes"] == {
        **dict.fromkeys(("x", "z", "loc", "scale"), "float32"),
        **dict.fromkeys(("elbo", "reconstruction", "temperature"), "float32"),
        **{"seed": "int64", "num_samples": "int32"},
    }
    assert found["likelihood"]["class_name"] == "Normal"
    name = keras.saving.get_registered_name(likelihoods.Normal)
    assert found["likelihood"]["registered_name"] == name
    assert found["likelihood"]["config"]["scale"] == "predicted"
    assert found["prior"]["class_name"] == "StandardNormal"


@pytest.mark.parametrize(
    ("formats", "files", "names", "opset"),
    [
        (
            ("tf_saved_model", "onnx"),
            {"tf_saved_model": "saved_model.pb", "onnx": "onnx/decode.onnx"},
            ["decode", "serving_default"],
            18,
        ),
        (("onnx",), {"onnx": "onnx/decode.onnx"}, [], 18),
        (
            ("tf_saved_model",),
            {"tf_saved_model": "saved_model.pb"},
            ["decode", "serving_default"],
            None,
        ),
    ],
)
def test_what_it_says_of_the_signatures(formats, files, names, opset, build):
    found = build(formats=formats)
    assert found["signatures"]["decode"] == {
        "inputs": [{"name": "z", "dtype": "float32", "shape": ["N", 3]}],
        "outputs": [{"name": "x", "dtype": "float32", "shape": ["N", 7, 5, 2]}],
        "files": files,
        "saved_model_names": names,
    }
    # Of images with two channels there are no PNG files.
    expected = [*in_format(dict.fromkeys(SIGNATURES), "onnx")]
    assert list(found["signatures"]) == expected
    assert found["opset"] == opset


def test_what_it_says_of_the_seeded_stream(build):
    rng = build()["rng"]
    assert (rng["algorithm"], rng["rounds"]) == ("threefry2x32", 20)
    assert rng["normals_per_sample"] == 3
    assert rng["normals"]["blocks_per_sample"] == 2
    assert rng["uniforms_per_sample"] == 0
    assert rng["uniforms"]["first_block"] == str(2**63)


def test_what_it_says_of_the_proof(build):
    parity = build()["parity"]
    assert parity["tolerance"] == 1e-5
    assert set(parity["limits"]) == {*SIGNATURES} - {"generate_png"}
    assert parity["limits"]["decode"]["x"] >= 1e-5
    assert parity["batch_sizes"] == {"onnx/decode.onnx": [1, 3, 16]}
    assert parity["files"] == {"onnx/decode.onnx": {"onnxruntime": 1e-7}}
    assert parity["reference"]["max_abs_difference"] == 2e-7
    assert parity["reference"]["exact"] is True


def test_hashes_and_versions(build):
    found = build()
    assert found["files"] == {
        name: {
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
        }
        for name, content in [
            ("onnx/decode.onnx", b"onnx"),
            ("saved_model.pb", b"saved model"),
        ]
    }
    assert found["versions"]["tensorflow"] == "2.21.0"
    assert {"keras_vae", "keras", "numpy"} <= set(found["versions"])


@pytest.mark.parametrize(
    ("formats", "listed"),
    [(("tf_saved_model", "onnx"), True), (("onnx",), False)],
)
def test_png_files_are_the_saved_models_alone(formats, listed, build):
    signatures = build("conv_bernoulli", formats)["signatures"]
    assert ("generate_png" in signatures) is listed
    if listed:
        found = signatures["generate_png"]
        assert found["files"] == {"tf_saved_model": "saved_model.pb"}
        (image,) = found["outputs"]
        assert image == {
            "name": "image_bytes",
            "dtype": "string",
            "shape": ["N"],
        }
