"""The signatures without a seed as OpenVINO files, run in OpenVINO."""

import importlib
import importlib.util
import json
import pathlib
import sys
import types

import keras
import numpy as np
import pytest

import keras_vae
import keras_vae_export
from keras_vae import networks
from keras_vae_export import (
    ExportError,
    ParityError,
    openvino_file,
    process,
    version_directory,
)
from keras_vae_export.reference import make_reference
from keras_vae_export.requests import Report

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(
        None in map(importlib.util.find_spec, ("openvino", "ai_edge_litert")),
        reason="`openvino` and `ai_edge_litert` are not both installed. Run "
        '`pip install "keras-vae[runtimes]"`.',
    ),
]

SIGNATURES = ["decode", "encode", "reconstruct"]
CONFIG = {"INFERENCE_PRECISION_HINT": "f32"}


@pytest.fixture(scope="module")
def exported(make_kind, tmp_path_factory):
    vae = make_kind("conv_bernoulli")
    return vae, keras_vae_export.export(
        vae, tmp_path_factory.mktemp("models"), ("litert", "openvino")
    )


@pytest.fixture
def stand_in(monkeypatch):
    """Writes stand-ins for the files."""

    def run(request):
        folder = pathlib.Path(request.directory) / "openvino"
        folder.mkdir()
        (signature,) = request.signatures
        for suffix in (".xml", ".bin"):
            (folder / f"{signature}{suffix}").write_text(suffix)
        return Report(0.0, {}, {}, {})

    monkeypatch.setattr(process, "run", run)


def compile_file(path):
    import openvino

    return openvino.Core().compile_model(path, "CPU", CONFIG)


@pytest.mark.slow
@pytest.mark.parametrize("signature", SIGNATURES)
def test_it_computes_what_the_model_computes(signature, exported):
    vae, path = exported
    run = compile_file(path / "openvino" / f"{signature}.xml")
    reference = make_reference(vae)
    for size in (7, 0, 1):
        inputs, expected = reference.first(signature, size)
        outputs = run(inputs)
        for name, value in expected.items():
            np.testing.assert_allclose(outputs[name], value, 1e-5, 1e-5)
    assert all(port.partial_shape[0].is_dynamic for port in run.inputs)


def test_what_the_manifest_says(exported):
    path = exported[1]
    manifest = json.loads((path / "manifest.json").read_text())
    files = {key: one["files"] for key, one in manifest["signatures"].items()}
    assert files == {
        "decode": {
            "litert": "litert/decode.tflite",
            "openvino": "openvino/decode.xml",
        },
        "encode": {"openvino": "openvino/encode.xml"},
        "reconstruct": {"openvino": "openvino/reconstruct.xml"},
    }
    xml = [f"openvino/{name}.xml" for name in SIGNATURES]
    weights = {f"openvino/{name}.bin" for name in SIGNATURES}
    assert {"litert/decode.tflite", *xml} | weights <= set(manifest["files"])
    parity = manifest["parity"]
    assert parity["batch_sizes"] == {
        "litert/decode.tflite": [1, 3, 16],
        **dict.fromkeys(xml, [0, 1, 3, 16]),
    }
    assert {key: list(one) for key, one in parity["files"].items()} == {
        "litert/decode.tflite": ["LiteRT"],
        **dict.fromkeys(xml, ["OpenVINO"]),
    }
    assert {"tensorflow", "ai_edge_litert", "openvino"} <= set(
        manifest["versions"]
    )


@pytest.mark.slow
def test_a_version_directory_is_checked(exported):
    found = keras_vae_export.check(exported[1])
    assert found.problems == ()
    assert found.measured.keys() == found.recorded.keys()


@pytest.mark.slow
def test_a_conditional_model(tmp_path):
    vae = keras_vae.ConditionalVAE(
        networks.mlp_encoder((5,), (4,), condition_dim=2),
        networks.mlp_decoder(3, (4,), condition_dim=2),
        likelihood="normal",
    )
    vae.export(tmp_path / "a.xml", format="openvino", signature="reconstruct")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 5)).astype("float32")
    condition = rng.normal(size=(6, 2)).astype("float32")
    found = compile_file(tmp_path / "a.xml")({"x": x, "condition": condition})
    expected = vae.reconstruct(x, condition=condition)
    expected = keras.ops.convert_to_numpy(expected)
    np.testing.assert_allclose(found["reconstruction"], expected, 1e-5, 1e-5)


@pytest.mark.slow
def test_a_recurrent_decoder(make_kind, tmp_path):
    vae = make_kind("recurrent")
    vae.export(tmp_path / "a.xml", format="openvino")
    reference = make_reference(vae)
    run = compile_file(tmp_path / "a.xml")
    x = run(reference.inputs["decode"])["x"]
    expected = reference.outputs["decode"]["x"]
    np.testing.assert_allclose(x, expected, rtol=1e-5, atol=1e-5)


@keras.saving.register_keras_serializable(package="test_openvino_file")
class Determinant(keras.layers.Layer):
    def call(self, x):
        square = keras.ops.reshape(x[:, :1], (-1, 1, 1))
        return keras.ops.reshape(keras.ops.det(square), (-1, 1)) * x


def test_an_operation_that_it_has_not(make_kind, tmp_path, tree):
    z = keras.Input((3,))
    vae = make_kind("mlp_bernoulli", decoder=keras.Model(z, Determinant()(z)))
    message = (
        r"`openvino/decode.xml` would hold operations that OpenVINO does not "
        r"read from ONNX: \['Det'\]. .* leave out the format"
    )
    with pytest.raises(ExportError, match=message):
        vae.export(tmp_path / "a.xml", format="openvino")
    assert tree(tmp_path) == []


@pytest.mark.slow
def test_two_builds_give_equal_bytes(exported, make_kind, tmp_path):
    # Other models move the counters of Keras's and of OpenVINO's names.
    vae = make_kind("conv_bernoulli")
    vae.export(tmp_path / "a.xml", format="openvino", signature="reconstruct")
    for suffix in (".xml", ".bin"):
        first = exported[1] / "openvino" / f"reconstruct{suffix}"
        second = tmp_path / f"a{suffix}"
        assert first.read_bytes() == second.read_bytes()


def test_what_differs_is_not_published(make_kind, tmp_path, monkeypatch, tree):
    write = openvino_file.write

    def planted(path, signature, form):
        def core(**inputs):
            return {"x": form.core(**inputs)["x"] + 2e-5}

        write(path, signature, form._replace(core=core))

    monkeypatch.setattr(openvino_file, "write", planted)
    message = "`openvino/decode.xml` does not compute .* in OpenVINO, on a"
    with pytest.raises(ParityError, match=message):
        make_kind().export(tmp_path / "a.xml", format="openvino")
    assert tree(tmp_path) == []


def test_other_names_are_refused(make_kind, tmp_path, monkeypatch):
    monkeypatch.setattr(openvino_file, "_specs", lambda ports: [])
    message = "`openvino/decode.xml` must have z: float32"
    with pytest.raises(ExportError, match=message):
        make_kind().export(tmp_path / "a.xml", format="openvino")


@pytest.mark.parametrize(
    ("path", "signature", "message"),
    [
        *(
            ("a.xml", name, "OpenVINO computes .* wrongly and reports no error")
            for name in ("generate", "generate_rows", "generate_png", "score")
        ),
        ("a.xml", "serve", 'must be one of .*Pass e.g. `signature="decode"`'),
        ("a.onnx", "decode", r'must end in `.xml` .*"decode.xml", format'),
    ],
)
def test_bad_arguments(path, signature, message, stand_in, make_kind, tmp_path):
    with pytest.raises(ValueError, match=message):
        make_kind().export(
            tmp_path / path, format="openvino", signature=signature
        )


def test_both_files_are_published(stand_in, make_kind, tmp_path, tree):
    path = tmp_path / "new" / "a.b.xml"
    make_kind().export(path, format="openvino", signature="encode")
    assert tree(tmp_path) == ["new", "new/a.b.bin", "new/a.b.xml"]
    assert path.read_text() == ".xml"
    assert path.with_suffix(".bin").read_text() == ".bin"


@pytest.mark.parametrize("name", ["a.xml", "a.bin"])
def test_neither_file_is_overwritten(name, stand_in, make_kind, tmp_path, tree):
    (tmp_path / name).write_text("theirs")
    with pytest.raises(FileExistsError, match=f"{name}.*nothing was overwri"):
        make_kind().export(tmp_path / "a.xml", format="openvino")
    assert tree(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "theirs"


def test_another_exporter_was_faster(
    stand_in, make_kind, tmp_path, monkeypatch, tree
):
    publish = version_directory.publish

    def slow(source, final):
        if final.suffix == ".xml":
            final.write_text("theirs")
        publish(source, final)

    monkeypatch.setattr(version_directory, "publish", slow)
    with pytest.raises(FileExistsError, match="nothing was overwritten"):
        make_kind().export(tmp_path / "a.xml", format="openvino")
    assert tree(tmp_path) == ["a.xml"]
    assert (tmp_path / "a.xml").read_text() == "theirs"


def test_a_missing_runtime(make_kind, tmp_path, monkeypatch):
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "openvino" else object(),
    )
    monkeypatch.setattr(process, "run", None)
    message = r"needs `openvino`.*pip install \"keras-vae\[runtimes\]\""
    for formats in ("openvino", ("onnx", "openvino")):
        with pytest.raises(ImportError, match=message):
            keras_vae_export.export(make_kind(), tmp_path, formats)


def test_its_import_is_not_reported(monkeypatch):
    seen = []

    def import_module(name):
        with pytest.raises(ImportError):
            importlib.__import__("openvino_telemetry")
        seen.append(name)
        sys.modules[name] = types.ModuleType(name)

    monkeypatch.delitem(sys.modules, "openvino", raising=False)
    monkeypatch.setattr(importlib, "import_module", import_module)
    library = openvino_file._library()
    assert seen == [library.__name__] == ["openvino"]
    assert "openvino_telemetry" not in sys.modules
    assert openvino_file._library() is library
    assert seen == ["openvino"]
