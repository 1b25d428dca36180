import json
import re
import shutil

import numpy as np
import pytest

import keras_vae_export
from keras_vae_export import ExportError, manifest_reader, process
from keras_vae_export.manifest import file_hashes
from keras_vae_export.reference import Reference

pytestmark = pytest.mark.once

REFERENCE = "assets.extra/reference.npz"


@pytest.fixture(scope="module")
def original(make_kind, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return keras_vae_export.export(make_kind("conv_bernoulli"), folder)


@pytest.fixture
def exported(original, tmp_path):
    return shutil.copytree(original, tmp_path / "1")


@pytest.fixture
def nothing_runs(monkeypatch):
    def run(request):
        pytest.fail("A file was run.")

    monkeypatch.setattr(process, "check", run)


def hash_again(directory):
    """Makes the manifest agree with files that were changed."""
    path = directory / "manifest.json"
    content = json.loads(path.read_text())
    content["files"] = file_hashes(directory)
    path.write_text(json.dumps(content))


def test_a_good_directory(original):
    found = keras_vae_export.check(original)
    assert found.problems == ()
    assert found.measured == found.recorded
    assert {"saved_model.pb", "onnx/score.onnx"} <= set(found.measured)
    assert found.png_levels is not None and found.png_levels <= 1


def test_the_manifest_follows_its_schema(original):
    content = manifest_reader.load(original)
    assert content["parity"]["reference"]["file"] == REFERENCE
    assert content["parity"]["png_levels"]["limit"] == 1
    assert manifest_reader.changes(original, content) == []


@pytest.mark.parametrize("file", ["onnx/decode.onnx", REFERENCE])
def test_a_changed_file_is_named_and_nothing_is_run(
    file, exported, nothing_runs
):
    content = bytearray((exported / file).read_bytes())
    content[-1] ^= 1
    (exported / file).write_bytes(content)
    (problem,) = keras_vae_export.check(exported).problems
    assert problem.startswith(f"`{file}` has the SHA-256")


def test_a_file_that_computes_something_else(exported):
    # Of another model, but with a hash that is right.
    onnx = pytest.importorskip("onnx", reason="The extra `export` is missing.")
    path = exported / "onnx" / "decode.onnx"
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            array = onnx.numpy_helper.to_array(tensor) * np.float32(1.01)
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    onnx.save(model, path)
    hash_again(exported)
    found = keras_vae_export.check(exported)
    (problem,) = found.problems
    assert "`onnx/decode.onnx` does not compute" in problem
    assert "onnx/decode.onnx" not in found.measured
    assert "onnx/encode.onnx" in found.measured


def test_another_reference(exported):
    path = exported / REFERENCE
    reference = Reference.load(path)
    reference.outputs["encode"]["loc"] += 1
    reference.save(path)
    hash_again(exported)
    problems = keras_vae_export.check(exported).problems
    assert ["`loc` of `encode`" in problem for problem in problems] == [
        True,
        True,
    ]


def plant(path, **changes):
    import onnx

    model = onnx.load(path)
    tensor = next(t for t in model.graph.initializer if t.dims)
    for name, value in changes.items():
        if name == "location":
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value=value)
        else:
            setattr(model.graph.node[0], name, value)
    path.write_bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"location": "../../secret"}, "must hold its data itself"),
        ({"op_type": "RandomNormalLike"}, "a graph with .*RandomNormalLike"),
        ({"domain": "evil"}, "outside of ONNX's default domain"),
    ],
)
def test_a_graph_that_reaches_beyond_itself(changes, message, exported):
    plant(exported / "onnx" / "decode.onnx", **changes)
    hash_again(exported)
    (problem,) = keras_vae_export.check(exported).problems
    assert re.search(message, problem)


def test_a_saved_model_that_writes_files(exported):
    import tensorflow as tf

    canary = exported.parent / "canary"

    class Evil(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 3), name="z")])
        def decode(self, z):
            tf.io.write_file(str(canary), "written")
            return {"x": z}

    module = Evil()
    tf.saved_model.save(module, exported, {"decode": module.decode})
    hash_again(exported)
    problems = keras_vae_export.check(exported).problems
    assert any("a graph with ['WriteFile']" in one for one in problems)
    assert not canary.exists()


def test_variants_are_run_again(make_kind, tmp_path):
    path = keras_vae_export.export(
        make_kind(), tmp_path, ["onnx"], variants=["float16"]
    )
    found = keras_vae_export.check(path)
    assert found.problems == ()
    assert found.measured == found.recorded
    assert "onnx/float16/decode.onnx" in found.measured
    manifest = path / "manifest.json"
    content = json.loads(manifest.read_text())
    content["variants"]["float16"]["decode"]["limit"] = 1e-9
    manifest.write_text(json.dumps(content))
    (problem,) = keras_vae_export.check(path).problems
    assert "`onnx/float16/decode.onnx` differs from the float32" in problem


def test_no_version_directory(tmp_path):
    with pytest.raises(FileNotFoundError, match="must hold a manifest.json"):
        keras_vae_export.check(tmp_path)


def test_a_missing_library(exported, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    message = r"Checking a version directory needs `jsonschema`.*\[export\]"
    with pytest.raises(ImportError, match=message):
        keras_vae_export.check(exported)


@pytest.mark.slow
def test_from_another_backend(original, monkeypatch):
    monkeypatch.setattr(process, "run_here", lambda: False)
    found = keras_vae_export.check(original)
    assert found.problems == ()
    assert set(found.measured) == set(found.recorded)


def test_a_figure_that_no_reader_believes(exported, nothing_runs):
    path = exported / "manifest.json"
    text = path.read_text().replace('"tolerance": 1e-05', '"tolerance": "no"')
    path.write_text(text)
    with pytest.raises(ExportError, match="at parity/tolerance: 'no'"):
        keras_vae_export.check(exported)
