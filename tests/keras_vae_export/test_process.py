import json
import os
import stat
import sys

import numpy as np
import pytest
from keras import backend

import keras_vae_export
from keras_vae_export import ExportError, ParityError, process
from keras_vae_export.reference import make_reference
from keras_vae_export.requests import Report, Request, load_request
from keras_vae_export.signatures import SIGNATURES, in_format, onnx_path

REQUEST = Request(
    "m", "m.keras", "r.npz", "out", ("onnx",), ("decode",), ("a.b",)
)
POSIX_ONLY = pytest.mark.skipif(
    os.name != "posix", reason="The stand-in for Python is a shell script."
)


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Puts a shell script in the place of the TensorFlow process."""

    def install(script):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(sys, "executable", str(path))
        monkeypatch.setattr(process, "run_here", lambda: False)

    return install


@POSIX_ONLY
def test_the_request_and_the_report(stand_in, tmp_path):
    report = Report(0.5, {"a": {"b": 0.25}}, {"a": [1]}, {"tensorflow": "2"})
    answer = {"Report": vars(report)}
    stand_in(
        f'cp "$4/request.json" "{tmp_path}"; echo "$2 $3" > "{tmp_path}/args"; '
        f"""echo '{json.dumps(answer)}' > "$4/answer.json" """
    )
    assert process.run(REQUEST) == report
    assert (tmp_path / "args").read_text() == "-m keras_vae_export.worker\n"
    assert load_request(tmp_path) == REQUEST


@POSIX_ONLY
@pytest.mark.parametrize(
    ("kind", "raised", "message"),
    [
        ("ParityError", ParityError, "^it is wrong"),
        ("ExportError", ExportError, "^it is wrong"),
        ("ModuleNotFoundError", ImportError, "^it is wrong"),
        ("MemoryError", ExportError, "process .* failed: MemoryError: it is"),
    ],
)
def test_an_error_of_the_process(kind, raised, message, stand_in):
    failure = {"kind": kind, "message": "it is wrong", "traceback": "line 7"}
    answer = json.dumps({"Failure": failure})
    stand_in(f"""echo output; echo '{answer}' > "$4/answer.json" """)
    with pytest.raises(raised, match=message) as caught:
        process.run(REQUEST)
    assert str(caught.value).endswith("it is wrong")
    assert "line 7" in caught.value.__notes__[0]
    assert "output" in caught.value.__notes__[1]


@POSIX_ONLY
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo last words >&2; kill -9 $$", r"SIGKILL\).*\nlast words"),
        ("exit 3", r"exit code 3\).*\n\(none\)"),
    ],
)
def test_a_process_that_dies(script, message, stand_in):
    stand_in(script)
    with pytest.raises(ExportError, match=f"ended before .*{message}"):
        process.run(REQUEST)


@POSIX_ONLY
def test_a_killed_process_leaves_nothing(stand_in, make_kind, tmp_path, tree):
    stand_in("kill -9 $$")
    target = tmp_path / "models"
    with pytest.raises(ExportError, match="killed by SIGKILL"):
        keras_vae_export.export(make_kind(), target)
    assert not target.exists()


def test_the_environment(monkeypatch):
    monkeypatch.setattr(sys, "path", ["", "first", "second"])
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    found = process.environment()
    path = os.pathsep.join([os.getcwd(), "first", "second"])
    assert found["PYTHONPATH"] == path
    assert found["KERAS_BACKEND"] == "tensorflow"
    assert found["CUDA_VISIBLE_DEVICES"] == "-1"


ONNX_FILES = {
    onnx_path(name) for name in in_format(dict.fromkeys(SIGNATURES), "onnx")
}
LAYER = """
import keras

@keras.saving.register_keras_serializable(package="user_layers_d")
class Scaled(keras.layers.Layer):
    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return self.factor * x

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
"""


@pytest.mark.slow
def test_a_model_of_any_backend_is_exported(make_kind, import_file, tmp_path):
    # With a layer of a user's own, whose module the other process imports.
    import keras

    layer = import_file("user_layers_d", LAYER).Scaled(factor=3.0)
    z = keras.Input((3,))
    h = keras.layers.Dense(5, activation="tanh")(layer(z))
    vae = make_kind(decoder=keras.Model(z, h), name="scaled")
    path = keras_vae_export.export(vae, tmp_path / "models")
    manifest = json.loads((path / "manifest.json").read_text())
    reference = make_reference(vae)
    assert path == tmp_path / "models" / "scaled" / "1"
    assert manifest["parity"]["reference"]["backend"] == backend.backend()
    assert manifest["parity"]["reference"]["exact"]
    figures = manifest["parity"]["files"]
    assert set(figures) == {"saved_model.pb", *ONNX_FILES}
    decode = figures["onnx/decode.onnx"]
    assert max(decode.values()) <= 1e-5
    import onnxruntime

    session = onnxruntime.InferenceSession(path / "onnx" / "decode.onnx")
    (x,) = session.run(["x"], reference.inputs["decode"])
    expected = reference.outputs["decode"]["x"]
    np.testing.assert_allclose(x, expected, rtol=0, atol=1e-5)
    session = onnxruntime.InferenceSession(path / "onnx" / "generate.onnx")
    x, z = session.run(["x", "z"], reference.inputs["generate"])
    images, latents = vae.generate(16, seed=0, return_latents=True)
    np.testing.assert_array_equal(z, latents)
    np.testing.assert_allclose(x, images, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_a_module_that_the_process_cannot_import(
    make_kind, import_file, tmp_path, monkeypatch
):
    import keras

    layer = import_file("user_layers_e", LAYER.replace("_d", "_e")).Scaled()
    monkeypatch.setattr(type(layer), "__module__", "user_layers_missing")
    monkeypatch.setattr(process, "run_here", lambda: False)
    z = keras.Input((3,))
    vae = make_kind(decoder=keras.Model(z, layer(z)))
    message = "module 'user_layers_missing', .* could not be imported: "
    with pytest.raises(ExportError, match=message):
        keras_vae_export.export(vae, tmp_path / "models")
    assert not (tmp_path / "models").exists()
