"""What is written on the TensorFlow backend, in this process."""

import json
import logging
import pathlib

import keras
import numpy as np
import pytest

import keras_vae_export
from keras_vae_export import (
    ExportError,
    ParityError,
    onnx_file,
    onnx_graph,
    png,
    saved_model,
    worker,
)
from keras_vae_export.reference import make_reference
from keras_vae_export.signatures import SIGNATURES, in_format, onnx_path

pytestmark = pytest.mark.once

ONNX_SIGNATURES = [*in_format(dict.fromkeys(SIGNATURES), "onnx")]
KINDS = [
    "mlp_bernoulli",
    "mlp_vector_normal",
    "conv_bernoulli",
    "conv_odd_normal",
    "batch_norm",
    "recurrent",
    "conv_both",
]


@pytest.fixture(scope="module", params=KINDS)
def exported(request, make_kind, tmp_path_factory):
    vae = make_kind(request.param)
    return vae, keras_vae_export.export(vae, tmp_path_factory.mktemp("models"))


def read_manifest(path):
    return json.loads((path / "manifest.json").read_text())


def run_onnx(path, z):
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    return session.run(["x"], {"z": z})[0]


def test_every_file_repeats_the_model(exported):
    vae, path = exported
    parity = read_manifest(path)["parity"]
    assert parity["reference"] == {
        "backend": "tensorflow",
        "exact": True,
        "file": "assets.extra/reference.npz",
        "max_abs_difference": 0.0,
    }
    onnx_files = {onnx_path(name): name for name in ONNX_SIGNATURES}
    files = {"saved_model.pb", *onnx_files}
    assert set(parity["files"]) == files
    assert parity["batch_sizes"] == dict.fromkeys(files, [0, 1, 3, 16])
    limits = {k: max(v.values()) for k, v in parity["limits"].items()}
    saved = parity["files"]["saved_model.pb"]["TensorFlow"]
    assert saved <= max(limits.values())
    for file, signature in onnx_files.items():
        figures = parity["files"][file]
        assert figures["onnxruntime"] <= limits[signature]
    z = np.random.default_rng(1).normal(size=(7, 3)).astype("float32")
    expected = keras.ops.convert_to_numpy(vae.decode(z).mean())
    x = run_onnx(path / "onnx" / "decode.onnx", z)
    np.testing.assert_allclose(x, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("batch", [0, 1, 7])
def test_the_onnx_file(batch, exported):
    import onnxruntime

    vae, path = exported
    session = onnxruntime.InferenceSession(path / "onnx" / "decode.onnx")
    (z,), (x,) = session.get_inputs(), session.get_outputs()
    assert (z.name, z.type, z.shape) == ("z", "tensor(float)", ["N", 3])
    assert (x.name, x.type) == ("x", "tensor(float)")
    assert x.shape == ["N", *vae.event_shape]
    (outputs,) = session.run(["x"], {"z": np.zeros((batch, 3), "float32")})
    assert outputs.shape == (batch, *vae.event_shape)
    assert outputs.dtype == "float32"


@pytest.mark.parametrize("batch", [0, 1, 7])
@pytest.mark.parametrize("signature", ["decode", "serving_default"])
def test_the_saved_model(signature, batch, exported):
    import tensorflow as tf

    vae, path = exported
    loaded = tf.saved_model.load(path)
    names = {*SIGNATURES, "serving_default"}
    if vae.event_shape[2:] != (1,):
        names -= {"generate_png"}
    assert set(loaded.signatures) == names
    run = loaded.signatures[signature]
    assert run.structured_input_signature == (
        (),
        {"z": tf.TensorSpec((None, 3), tf.float32, name="z")},
    )
    outputs = run(z=tf.zeros((batch, 3)))
    assert set(outputs) == {"x"}
    assert outputs["x"].shape == (batch, *vae.event_shape)
    assert outputs["x"].dtype == tf.float32


def test_the_encoder_is_left_out_of_the_decoder(make_kind, tmp_path):
    import onnx

    vae = make_kind("conv_bernoulli")
    vae.export(tmp_path / "decode.onnx", format="onnx")
    graph = onnx.load(tmp_path / "decode.onnx").graph
    stored = sum(
        onnx.numpy_helper.to_array(one).size for one in graph.initializer
    )
    decoder = sum(np.prod(v.shape) for v in vae.generator.variables)
    # Beside the weights there are shapes, and no room for the encoder's.
    assert decoder <= stored < decoder + 40


def test_png_files(make_kind, tmp_path):
    import tensorflow as tf

    vae = make_kind("conv_bernoulli")
    vae.export(tmp_path / "model")
    loaded = tf.saved_model.load(tmp_path / "model")
    files = loaded.signatures["generate_png"](
        seed=tf.constant([7, -1], tf.int64), temperature=tf.constant([1, 0.5])
    )["image_bytes"]
    assert files.shape == (2,)
    for seed, temperature, file in zip((7, -1), (1, 0.5), files, strict=True):
        levels = tf.io.decode_png(file).numpy().astype(int)
        x = vae.generate(1, seed=seed, temperature=temperature)[0]
        expected = np.round(255 * x)
        assert np.abs(levels - expected).max() <= 1


def test_images_that_differ_are_refused(make_kind, tmp_path, monkeypatch):
    encode = png.encode
    monkeypatch.setattr(png, "encode", lambda x: encode(x * 0.9))
    message = "`saved_model.pb` does not draw .* image 0 .* grey levels"
    with pytest.raises(ParityError, match=message):
        make_kind("conv_bernoulli").export(tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("signature", ["generate", "generate_rows", "score"])
def test_one_signature_as_one_file(signature, make_kind, tmp_path):
    vae = make_kind("mlp_bernoulli")
    path = tmp_path / "one.onnx"
    vae.export(path, format="onnx", signature=signature)
    reference = make_reference(vae)
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    expected = reference.outputs[signature]
    received = session.run([*expected], reference.inputs[signature])
    for array, name in zip(received, expected, strict=True):
        np.testing.assert_allclose(array, expected[name], 1e-5, 1e-5)


def test_the_graph_is_plain(exported):
    import onnx

    model = onnx.load(exported[1] / "onnx" / "decode.onnx")
    onnx.checker.check_model(model, full_check=True)
    opsets = [(one.domain, one.version) for one in model.opset_import]
    assert opsets == [("", 18)]
    assert {node.domain for node in model.graph.node} == {""}
    for node in model.graph.node:
        if node.op_type == "ConvTranspose":
            given = {attribute.name for attribute in node.attribute}
            assert {"kernel_shape", "pads", "strides"} <= given


def test_two_builds_give_equal_bytes(exported, make_kind, tmp_path):
    vae, path = exported
    # Other models move Keras's counters of automatic names.
    make_kind("recurrent").generator(np.zeros((1, 3)))
    x = keras.Input((3,))
    keras.Model(x, keras.layers.Dense(2)(keras.layers.Dense(2)(x)))
    vae.export(tmp_path / "live.onnx", format="onnx")
    vae.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    loaded.export(tmp_path / "loaded.onnx", format="onnx")
    expected = (path / "onnx" / "decode.onnx").read_bytes()
    assert (tmp_path / "live.onnx").read_bytes() == expected
    assert (tmp_path / "loaded.onnx").read_bytes() == expected


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_leaves_in_float32(dtype, make_kind, tmp_path):
    import onnx

    vae = make_kind("conv_odd_normal", dtype=dtype)
    path = keras_vae_export.export(vae, tmp_path)
    parity = read_manifest(path)["parity"]
    assert parity["reference"]["exact"] is False
    assert 0 < parity["reference"]["max_abs_difference"] < 0.1
    model = onnx.load(path / "onnx" / "decode.onnx")
    halves = {onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16}
    assert not halves & {one.data_type for one in model.graph.initializer}
    casts = {
        attribute.i
        for node in model.graph.node
        for attribute in node.attribute
        if node.op_type == "Cast"
    }
    assert not halves & casts
    reference = make_reference(vae)
    z = reference.inputs["decode"]["z"]
    x = run_onnx(path / "onnx" / "decode.onnx", z)
    np.testing.assert_allclose(x, reference.outputs["decode"]["x"], atol=0.1)


def test_a_global_policy_is_left_alone(make_kind, tmp_path):
    vae = make_kind()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        vae.export(tmp_path / "a.onnx", format="onnx")
        assert keras.config.dtype_policy().name == "mixed_float16"
    finally:
        keras.config.set_dtype_policy("float32")


def perturb_onnx(monkeypatch):
    convert = onnx_graph._convert

    def planted(*arguments):
        import onnx

        model = convert(*arguments)
        for tensor in model.graph.initializer:
            if tensor.data_type == onnx.TensorProto.FLOAT:
                array = onnx.numpy_helper.to_array(tensor) * np.float32(1.01)
                planted = onnx.numpy_helper.from_array(array, tensor.name)
                tensor.CopyFrom(planted)
        return model

    monkeypatch.setattr(onnx_graph, "_convert", planted)


def perturb_saved_model(monkeypatch):
    write = saved_model.write

    def planted(directory, signatures, functions):
        def decode(z):
            return {"x": functions["decode"](z)["x"] + 2e-5}

        write(directory, signatures, {**functions, "decode": decode})

    monkeypatch.setattr(saved_model, "write", planted)


@pytest.mark.parametrize(
    ("plant", "file"),
    [
        (perturb_onnx, "onnx/decode.onnx"),
        (perturb_saved_model, "saved_model.pb"),
    ],
)
def test_what_differs_is_not_published(
    plant, file, make_kind, tmp_path, monkeypatch, tree
):
    plant(monkeypatch)
    message = rf"`{file}` does not compute .* differs by [\d.e-]+, above"
    with pytest.raises(ParityError, match=message):
        keras_vae_export.export(make_kind(), tmp_path / "models")
    assert tree(tmp_path) == []


class Faulty(keras.layers.Layer):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor


@keras.saving.register_keras_serializable(package="test_worker")
class Noisy(Faulty):
    def call(self, x):
        return x + keras.random.normal(keras.ops.shape(x))


@keras.saving.register_keras_serializable(package="test_worker")
class Forgetful(Faulty):
    def call(self, x):
        return self.factor * x

    def get_config(self):
        return {"name": self.name}


@keras.saving.register_keras_serializable(package="test_worker")
class Inverting(Faulty):
    def call(self, x):
        square = keras.ops.reshape(x[:, :1] + 1, (-1, 1, 1))
        return keras.ops.reshape(keras.ops.inv(square), (-1, 1)) * x


class Unregistered(Faulty):
    def call(self, x):
        return x


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        (Noisy, ParityError, "loaded back .* random at inference"),
        (Forgetful, ParityError, "loaded back .* argument in `get_config`"),
        (Inverting, ExportError, "`onnx/decode.onnx` .*valid ONNX model"),
        (
            Unregistered,
            ExportError,
            "not be loaded: .*class 'Unregistered'",
        ),
    ],
)
def test_layers_that_cannot_be_exported(
    layer, error, message, make_kind, tmp_path, tree
):
    z = keras.Input((3,))
    h = keras.layers.Dense(4)(layer(factor=3.0)(z))
    vae = make_kind(decoder=keras.Model(z, h))
    with pytest.raises(error, match=message):
        keras_vae_export.export(vae, tmp_path / "models")
    assert tree(tmp_path) == []


def test_an_empty_batch_is_kept_from_what_it_kills(make_kind, tmp_path):
    z = keras.Input((3,))
    h = keras.layers.RepeatVector(4)(z)
    h = keras.layers.LSTM(4, return_sequences=True)(h)
    vae = make_kind("recurrent", decoder=keras.Model(z, h))
    path = keras_vae_export.export(vae, tmp_path)
    sizes = read_manifest(path)["parity"]["batch_sizes"]
    assert sizes == {
        "saved_model.pb": [0, 1, 3, 16],
        "onnx/encode.onnx": [0, 1, 3, 16],
        **dict.fromkeys(
            (onnx_path(name) for name in ONNX_SIGNATURES if name != "encode"),
            [1, 3, 16],
        ),
    }


def test_an_operation_of_another_domain(make_kind, tmp_path, monkeypatch):
    convert = onnx_graph._convert

    def planted(*arguments):
        model = convert(*arguments)
        model.graph.node[0].domain = "com.microsoft"
        model.opset_import.add(domain="com.microsoft", version=1)
        return model

    monkeypatch.setattr(onnx_graph, "_convert", planted)
    message = "outside of ONNX's default domain.*com.microsoft::"
    with pytest.raises(ExportError, match=message):
        make_kind().export(tmp_path / "a.onnx", format="onnx")


@pytest.mark.parametrize(
    ("module", "subject"),
    [(onnx_file, "`onnx/decode.onnx`"), (saved_model, "The SavedModel")],
)
def test_what_a_library_raises_is_named(
    module, subject, make_kind, tmp_path, monkeypatch, tree
):
    def write(*args):
        raise OSError("No space left on device")

    monkeypatch.setattr(module, "write", write)
    message = f"{subject} could not be written: OSError: No space left"
    with pytest.raises(ExportError, match=message):
        keras_vae_export.export(make_kind(), tmp_path / "models")
    assert tree(tmp_path) == []


def test_settings_are_put_back(make_kind, tmp_path):
    import tensorflow as tf

    logger = logging.getLogger("tf2onnx")
    before = logger.level
    tf.config.experimental.enable_tensor_float_32_execution(True)
    make_kind().export(tmp_path / "a.onnx", format="onnx")
    assert tf.config.experimental.tensor_float_32_execution_enabled()
    assert logger.level == before


def test_main_answers_in_its_folder(make_kind, tmp_path, monkeypatch):
    from keras_vae_export.requests import (
        Failure,
        Request,
        load_answer,
        save_request,
    )

    request = Request("m", "missing.keras", "r", "out", ("onnx",), ("decode",))
    save_request(tmp_path, request)
    monkeypatch.setattr("sys.argv", ["worker", str(tmp_path)])
    worker.main()
    answer = load_answer(tmp_path)
    assert isinstance(answer, Failure)
    assert answer.kind == "ExportError"
    assert "missing.keras" in answer.message
    assert "Traceback" in answer.traceback
    assert load_answer(pathlib.Path(tmp_path / "other")) is None


@pytest.mark.parametrize("op", ["RandomStandardNormal", "PyFunc"])
def test_a_graph_of_more_than_mathematics_is_refused(
    op, make_kind, tmp_path, monkeypatch
):
    write = saved_model.write

    def planted(directory, signatures, functions):
        import tensorflow as tf

        def decode(z):
            if op == "PyFunc":
                return {"x": tf.numpy_function(lambda z: z, [z], tf.float32)}
            return {"x": functions["decode"](z)["x"] + tf.random.normal(()) * 0}

        write(directory, signatures, {**functions, "decode": decode})

    monkeypatch.setattr(saved_model, "write", planted)
    message = rf"by TensorFlow alone. Received: a graph with \['{op}'\]"
    with pytest.raises(ExportError, match=message):
        make_kind().export(tmp_path / "model")
    assert not (tmp_path / "model").exists()
