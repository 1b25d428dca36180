"""`decode` as a LiteRT file, run in LiteRT."""

import importlib.util
import warnings

import keras
import numpy as np
import pytest

import keras_vae
from keras_vae import networks
from keras_vae_export import (
    ExportError,
    ParityError,
    litert_file,
    process,
    source,
    unrolled,
)

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(
        importlib.util.find_spec("ai_edge_litert") is None,
        reason="`ai_edge_litert` is not installed. Run `pip install "
        '"keras-vae[runtimes]"`.',
    ),
]

SHAPE = (8, 8, 1)
CONDITION_DIM = 4


@pytest.fixture(scope="module")
def vaes(make_kind):
    conditional = keras_vae.ConditionalVAE(
        networks.mlp_encoder(SHAPE, (6,), condition_dim=CONDITION_DIM),
        networks.conv_decoder(3, SHAPE, (4,), condition_dim=CONDITION_DIM),
        # Its mean has an arc tangent and an inverse hyperbolic one.
        likelihood="discretized_logistic",
    )
    rng = np.random.default_rng(0)
    for weight in conditional.trainable_weights:
        weight.assign_add(rng.normal(size=weight.shape, scale=0.5))
    kinds = ("conv_bernoulli", "mlp_vector_normal", "recurrent")
    return {
        **{kind: make_kind(kind) for kind in kinds},
        "conditional": conditional,
    }


@pytest.fixture(scope="module")
def files(vaes, tmp_path_factory):
    """Exports each VAE once."""
    folder = tmp_path_factory.mktemp("litert")
    paths = {}

    def path_of(kind):
        if kind not in paths:
            paths[kind] = folder / f"{kind}.tflite"
            vaes[kind].export(paths[kind], format="litert")
        return paths[kind]

    return path_of


def runner_of(path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    return interpreter, interpreter.get_signature_runner("decode")


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["conv_bernoulli", "mlp_vector_normal", "recurrent", "conditional"]
)
def test_it_decodes_as_the_model(kind, vaes, files):
    vae = vaes[kind]
    interpreter, decode = runner_of(files(kind))
    rng = np.random.default_rng(1)
    z = rng.normal(size=(7, 3)).astype("float32")
    inputs = {"z": z}
    if kind == "conditional":
        c = rng.normal(size=(7, CONDITION_DIM)).astype("float32")
        inputs["condition"] = c
    expected = vae.decode(*inputs.values()).mean()
    expected = keras.ops.convert_to_numpy(expected)
    for size in (1, 7, 2):
        first = {name: value[:size] for name, value in inputs.items()}
        outputs = decode(**first)
        assert set(outputs) == {"x"}
        np.testing.assert_allclose(
            outputs["x"], expected[:size], rtol=1e-5, atol=1e-5
        )
    signatures = interpreter.get_signature_list()
    assert signatures == {
        "decode": {"inputs": sorted(inputs), "outputs": ["x"]}
    }
    names = {one["name"] for one in interpreter.get_input_details()}
    assert names == set(inputs)
    (output,) = interpreter.get_output_details()
    assert output["name"] == "x"
    assert list(output["shape_signature"]) == [-1, *vae.event_shape]


@pytest.mark.slow
def test_two_builds_give_equal_bytes(files, make_kind, tmp_path):
    expected = files("conv_bernoulli").read_bytes()
    # Other models move Keras's counters of automatic names.
    make_kind("batch_norm").generator(np.zeros((1, 3)))
    make_kind("conv_bernoulli").export(tmp_path / "a.tflite", format="litert")
    assert (tmp_path / "a.tflite").read_bytes() == expected


def test_weights_are_aligned(files):
    from tensorflow.lite.python import schema_py_generated as schema

    content = np.frombuffer(files("conv_bernoulli").read_bytes(), "uint8")
    model = schema.Model.GetRootAs(content, 0)
    start = content.__array_interface__["data"][0]
    buffers = [model.Buffers(index) for index in range(model.BuffersLength())]
    addresses = [
        one.DataAsNumpy().__array_interface__["data"][0]
        for one in buffers
        if one.DataLength()
    ]
    assert len(addresses) > 5
    assert {(address - start) % 16 for address in addresses} == {0}


def test_the_terminal_stays_clean(make_kind, tmp_path, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        make_kind().export(tmp_path / "a.tflite", format="litert")
    assert capfd.readouterr() == ("", "")


@keras.saving.register_keras_serializable(package="test_litert_file")
class Asinh(keras.layers.Layer):
    def call(self, x):
        return keras.ops.arcsinh(x)


def test_an_operation_that_it_has_not(make_kind, tmp_path, tree, capfd):
    z = keras.Input((3,))
    h = keras.layers.Reshape((2, 2, 2))(keras.layers.Dense(8)(z))
    h = keras.layers.Conv2DTranspose(3, 3, padding="same", dilation_rate=2)(h)
    h = Asinh()(h)
    vae = make_kind("mlp_bernoulli", decoder=keras.Model(z, h))
    message = (
        r"`litert/decode.tflite` would hold operations that LiteRT does not "
        r"have: \['Asinh', 'Conv2DBackpropInput'\]. .* leave out the format"
    )
    with pytest.raises(ExportError, match=message):
        vae.export(tmp_path / "out" / "a.tflite", format="litert")
    assert tree(tmp_path) == []
    assert capfd.readouterr() == ("", "")


def test_what_differs_is_not_published(make_kind, tmp_path, monkeypatch, tree):
    convert = litert_file._convert

    def planted(signature, form):
        def core(**inputs):
            return {"x": form.core(**inputs)["x"] + 2e-5}

        return convert(signature, form._replace(core=core))

    monkeypatch.setattr(litert_file, "_convert", planted)
    message = "`litert/decode.tflite` does not compute .* in LiteRT, on a batch"
    with pytest.raises(ParityError, match=message):
        make_kind().export(tmp_path / "a.tflite", format="litert")
    assert tree(tmp_path) == []


def test_other_names_are_refused(make_kind, tmp_path, monkeypatch):
    monkeypatch.setattr(litert_file, "_specs", lambda details: [])
    message = "`litert/decode.tflite` must have z: float32"
    with pytest.raises(ExportError, match=message):
        make_kind().export(tmp_path / "a.tflite", format="litert")


def test_recurrent_layers_keep_their_loop(make_kind, tmp_path):
    vae = source.load_vae(save(make_kind("recurrent"), tmp_path), "It")
    (layer,) = [
        one
        for one in vae._flatten_layers()
        if isinstance(one, keras.layers.GRU)
    ]
    with unrolled.unrolled(vae):
        assert layer.unroll
    assert not layer.unroll


def save(vae, folder):
    vae.save(folder / "model.keras")
    return folder / "model.keras"


@pytest.mark.parametrize(
    ("path", "signature", "message"),
    [
        (
            "a.tflite",
            "generate",
            "LiteRT does not have .* of seeded noise. Exp",
        ),
        ("a.tflite", "encode", r"`signature` must be one of \['decode'\]"),
        (
            "a.lite",
            "decode",
            r'must end in `.tflite` .*"decode.tflite", format',
        ),
    ],
)
def test_bad_arguments(path, signature, message, make_kind, tmp_path):
    with pytest.raises(ValueError, match=message):
        make_kind().export(
            tmp_path / path, format="litert", signature=signature
        )


def test_a_missing_runtime(make_kind, tmp_path, monkeypatch, tree):
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "ai_edge_litert" else object(),
    )
    monkeypatch.setattr(process, "run", None)
    message = r"needs `ai_edge_litert`.*pip install \"keras-vae\[runtimes\]\""
    with pytest.raises(ImportError, match=message):
        make_kind().export(tmp_path / "a.tflite", format="litert")
    assert tree(tmp_path) == []
