"""The variants of an export's ONNX files, written in this process."""

import json
import pathlib

import keras
import numpy as np
import pytest

import keras_vae
import keras_vae_export
from keras_vae import networks, objectives
from keras_vae_export import (
    ExportError,
    ParityError,
    folded,
    onnx_file,
    process,
    variant_report,
    variants,
)
from keras_vae_export.functions import forms_of
from keras_vae_export.onnx_graph import core_of
from keras_vae_export.reference import make_reference
from keras_vae_export.requests import Report
from keras_vae_export.signatures import onnx_path, signatures_of

pytestmark = pytest.mark.once

VARIANTS = ("folded", "float16", "int8")
SIGNATURES = ("decode", "generate", "generate_rows", "encode", "reconstruct")
LATENT_DIM = 8
X_SHAPE = (8, 8, 1)


def make_vae(**arguments):
    vae = keras_vae.VAE(**arguments)
    # Converters leave out the zeros that biases begin with.
    rng = np.random.default_rng(0)
    for weight in vae.trainable_weights:
        weight.assign(rng.normal(size=weight.shape, scale=0.15))
    return vae


def make_mlp():
    return make_vae(
        encoder=networks.mlp_encoder(X_SHAPE, (64,)),
        decoder=networks.mlp_decoder(LATENT_DIM, (64, 64)),
        name="mlp",
    )


def make_conv():
    # A prior with arithmetic of its own, and operations of every fate.
    return make_vae(
        encoder=networks.conv_encoder(X_SHAPE, (8, 16)),
        decoder=networks.conv_decoder(LATENT_DIM, X_SHAPE, (32, 16)),
        prior="gaussian_mixture",
        objective=objectives.ELBO(kl="monte_carlo"),
        name="conv",
    )


def make_plain_transpose():
    z = keras.Input((LATENT_DIM,))
    h = keras.layers.Reshape((1, 1, LATENT_DIM))(z)
    h = keras.layers.Conv2DTranspose(1, 8, name="only")(h)
    return make_vae(
        encoder=networks.mlp_encoder(X_SHAPE, (64,)),
        decoder=keras.Model(z, h),
        name="transpose",
    )


def quick(monkeypatch):
    monkeypatch.setattr(variant_report, "SECONDS", 0.002)


@pytest.fixture(autouse=True)
def quick_measurements(monkeypatch):
    quick(monkeypatch)


@pytest.fixture(scope="module", params=[make_mlp, make_conv])
def exported(request, tmp_path_factory):
    vae = request.param()
    with pytest.MonkeyPatch.context() as monkeypatch:
        quick(monkeypatch)
        path = keras_vae_export.export(
            vae,
            tmp_path_factory.mktemp("models"),
            ["onnx"],
            variants=VARIANTS,
        )
    return vae, path


@pytest.fixture(scope="module")
def reference(exported):
    return make_reference(exported[0])


def figures_of(path):
    return json.loads((path / "manifest.json").read_text())["variants"]


def session_of(path):
    import onnxruntime

    return onnxruntime.InferenceSession(path)


def run_onnx(path, inputs):
    session = session_of(path)
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def export_variant(vae, directory, variant, **options):
    return keras_vae_export.export(
        vae, directory, ["onnx"], variants=(variant,), **options
    )


def test_the_files(exported, tree):
    _, path = exported
    written = [one for one in tree(path / "onnx") if one.count("/")]
    assert written == sorted(
        f"{variant}/{name}.onnx" for variant in VARIANTS for name in SIGNATURES
    )
    manifest = json.loads((path / "manifest.json").read_text())
    for variant in VARIANTS:
        figures = manifest["variants"][variant]
        assert [*figures] == [*SIGNATURES]
        for name, one in figures.items():
            assert one["file"] == f"onnx/{variant}/{name}.onnx"
            assert manifest["files"][one["file"]]["size"] == one["size"]
            plain = manifest["files"][onnx_path(name)]
            assert one["size_of_float32"] == plain["size"]
    assert set(manifest["parity"]["files"]) == {
        onnx_path(name) for name in (*SIGNATURES, "score")
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_inputs_and_outputs_are_those_of_the_plain_file(variant, exported):
    import onnx

    for name, one in figures_of(exported[1])[variant].items():
        plain = onnx.load(exported[1] / onnx_path(name))
        model = onnx.load(exported[1] / one["file"])
        assert list(model.graph.input) == list(plain.graph.input)
        assert list(model.graph.output) == list(plain.graph.output)
        opsets = [(used.domain, used.version) for used in model.opset_import]
        assert opsets == [("", 18)]
        onnx.checker.check_model(model, full_check=True)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("batch", [0, 1, 7, 1000])
def test_a_seed_means_the_same_latents(batch, variant, exported):
    inputs = {
        "seed": np.arange(batch, dtype="int64") - 2,
        "temperature": np.full(batch, 0.5, "float32"),
    }
    found, expected = (
        run_onnx(exported[1] / "onnx" / file, inputs)
        for file in (f"{variant}/generate_rows.onnx", "generate_rows.onnx")
    )
    np.testing.assert_array_equal(found["z"], expected["z"])
    np.testing.assert_allclose(found["x"], expected["x"], atol=0.1)
    assert found["x"].shape == (batch, *X_SHAPE)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_differences_are_what_the_files_differ_by(
    variant, exported, reference
):
    path = exported[1]
    for name, one in figures_of(path)[variant].items():
        largest = mean = 0.0
        for size in (1, 3, 16):
            inputs, _ = reference.first(name, size)
            plain = run_onnx(path / onnx_path(name), inputs)
            found = run_onnx(path / one["file"], inputs)
            for key, value in plain.items():
                scale = max(1, np.abs(value).max())
                difference = np.abs(found[key] - value) / scale
                largest = max(largest, difference.max())
                if size == 16:
                    mean = max(mean, difference.mean() * (key != "z"))
        if variant == "float16":
            # It is measured with the range and the digits of float16.
            assert 0.99 * largest < one["max_difference"] < 20 * largest
            assert 0.99 * mean < one["mean_difference"] < 20 * mean
        else:
            assert one["max_difference"] == pytest.approx(largest, rel=0.01)
            assert one["mean_difference"] == pytest.approx(mean, rel=0.01)
        assert one["mean_difference"] <= one["max_difference"] <= one["limit"]
        assert one["limit"] == (1e-5 if variant == "folded" else 0.1)
        assert one["batch_sizes"] == [0, 1, 3, 16]
        assert (one["max_difference"] > 0) is (variant != "folded")


def test_the_sizes(exported):
    for variant, below in (("folded", 1.1), ("float16", 0.7), ("int8", 0.7)):
        one = figures_of(exported[1])[variant]["encode"]
        assert one["size"] < below * one["size_of_float32"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_latencies(variant, exported):
    for one in figures_of(exported[1])[variant].values():
        for key in ("latency_ms", "latency_ms_of_float32"):
            assert set(one[key]) == {"1", "32"}
            assert all(0 < latency < 1000 for latency in one[key].values())


# By variant and signature: what was converted, what stayed in float32. The
# first Dense of the MLP and the last one of the other are too small for int8;
# the prior of the other has arithmetic that gives z.
CONVERTED = {
    ("int8", "decode"): {
        "mlp": ({"MatMul": 2}, {"MatMul": 1}),
        "conv": ({"MatMul": 1}, {"ConvTranspose": 2, "MatMul": 1}),
    },
    ("int8", "encode"): {
        "mlp": ({"MatMul": 2}, {}),
        "conv": ({"Conv": 1, "MatMul": 1}, {"Conv": 1}),
    },
    ("float16", "generate"): {
        "mlp": (
            {"Add": 3, "MatMul": 3, "Relu": 2, "Reshape": 1, "Sigmoid": 1},
            {},
        ),
        "conv": (
            {
                "Add": 2,
                "ConvTranspose": 2,
                "MatMul": 2,
                "Relu": 3,
                "Reshape": 3,
                "Sigmoid": 1,
                "Transpose": 2,
            },
            {"Add": 1, "Gather": 2, "Mul": 1},
        ),
    },
    ("folded", "decode"): {
        "mlp": ({"Add": 3, "MatMul": 3}, {"Gemm": 3}),
        "conv": ({"Add": 2, "MatMul": 2}, {"ConvTranspose": 2, "Gemm": 2}),
    },
}


def test_what_was_converted(exported):
    vae, path = exported
    figures = figures_of(path)
    found = {
        variant: {
            name: (one["converted"], one["kept_in_float32"])
            for name, one in figures[variant].items()
        }
        for variant in VARIANTS
    }
    assert {key: one[vae.name] for key, one in CONVERTED.items()} == {
        (variant, name): found[variant][name] for variant, name in CONVERTED
    }


def test_rows_touch_one_another_in_int8_alone(exported):
    path = exported[1]
    for name in ("decode", "generate_rows", "reconstruct"):
        differences = {
            variant: figures_of(path)[variant][name]["batch_difference"]
            for variant in VARIANTS
        }
        assert differences["folded"] < 1e-5
        assert differences["float16"] < 1e-3
        assert 1e-4 < differences["int8"] < 0.1
    inputs = {"seed": np.arange(16), "temperature": np.ones(16, "float32")}
    first = {name: value[:1] for name, value in inputs.items()}
    file = path / "onnx" / "int8" / "generate_rows.onnx"
    alone, together = run_onnx(file, first), run_onnx(file, inputs)
    np.testing.assert_array_equal(alone["z"][0], together["z"][0])
    assert np.abs(alone["x"][0] - together["x"][0]).max() > 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_two_builds_give_equal_bytes(variant, exported, tmp_path):
    vae, path = exported
    # Another model moves Keras's counters of automatic names.
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    vae.save(tmp_path / "model.keras")
    vae = keras.saving.load_model(tmp_path / "model.keras")
    vae.prior.freeze()
    for name in ("generate_rows", "encode"):
        signature, form = signatures_of(vae)[name], forms_of(vae)[name]
        core = core_of(signature, form, onnx_file.OPSET)
        made = variants.make_variant(variant, name, core)
        file = tmp_path / "again.onnx"
        onnx_file.write_core(file, "again", made.core, signature, form)
        expected = path / variants.variant_path(variant, name)
        assert file.read_bytes() == expected.read_bytes()


@pytest.mark.parametrize("variant", ["float16", "int8"])
def test_a_large_difference_is_refused(variant, tmp_path, tree):
    message = (
        rf"`onnx/{variant}/decode.onnx` differs .* by [\d.e-]+ of the largest "
        rf"value .* above the limit of 1e-06\. Nothing was published\. Leave "
        rf"'{variant}' out of `variants`, or allow more: `max_difference="
        r"([\d.e-]+)`, on the command line `--max-difference \1`"
    )
    with pytest.raises(ParityError, match=message):
        export_variant(make_mlp(), tmp_path, variant, max_difference=1e-6)
    assert tree(tmp_path) == []


def test_what_is_folded_is_held_to_the_common_limit(
    tmp_path, monkeypatch, tree
):
    import onnx

    def planted(model):
        changed = folded.change(model)
        for tensor in changed.graph.initializer:
            if tensor.data_type == onnx.TensorProto.FLOAT:
                array = onnx.numpy_helper.to_array(tensor) * np.float32(1.01)
                other = onnx.numpy_helper.from_array(array, tensor.name)
                tensor.CopyFrom(other)
        return changed

    monkeypatch.setitem(variants._CHANGES, "folded", planted)
    message = "`onnx/folded/decode.onnx` does not compute .* above the limit"
    with pytest.raises(ParityError, match=message):
        export_variant(make_mlp(), tmp_path, "folded", max_difference=1.0)
    assert tree(tmp_path) == []


def test_weights_beyond_float16_are_named(tmp_path, tree):
    vae = make_mlp()
    first, second = vae.decoder.layers[1], vae.decoder.layers[2]
    first.kernel.assign(1e6 * first.kernel)
    second.kernel.assign(1e-6 * second.kernel)
    message = (
        r"`onnx/float16/decode.onnx` differs .* \d+ of its constants lie "
        r"beyond float16's range of 65504 \(the largest is [\d.e+]+\)"
    )
    with pytest.raises(ParityError, match=message):
        export_variant(vae, tmp_path, "float16")
    assert tree(tmp_path) == []


def test_values_that_are_not_finite_are_refused(tmp_path, tree):
    vae = make_mlp()
    # 4e4 has a float16; the sum of two of them has none.
    vae.decoder.layers[1].bias.assign(np.full(64, 4e4))
    vae.decoder.layers[2].kernel.assign(np.ones((64, 64)))
    (kernel,) = (w for w in vae.likelihood.weights if len(w.shape) == 2)
    kernel.assign(np.tile([[1e-7], [-1e-7]], (32, 64)))
    message = "`onnx/float16/decode.onnx` differs .* that are not finite"
    with pytest.raises(ParityError, match=message):
        export_variant(vae, tmp_path, "float16")
    assert tree(tmp_path) == []


def test_a_float32_file_is_not_called_int8(tmp_path, tree):
    message = (
        r"`onnx/int8/decode.onnx` would be a float32 file under another name"
        r".*'ConvTranspose': 1.*has no integer form in ONNX.*Leave 'int8' out"
    )
    with pytest.raises(ExportError, match=message):
        export_variant(make_plain_transpose(), tmp_path, "int8")
    assert tree(tmp_path) == []


def test_other_latents_are_refused(tmp_path, monkeypatch, tree):
    monkeypatch.setattr(
        variants, "after_latents", lambda core, change: change(core)
    )
    message = "`onnx/float16/generate.onnx` draws other latents .* `z` differs"
    with pytest.raises(ParityError, match=message):
        export_variant(make_mlp(), tmp_path, "float16", max_difference=1.0)
    assert tree(tmp_path) == []


def test_what_a_library_raises_is_named(tmp_path, monkeypatch, tree):
    def change(model):
        raise RuntimeError("no such operation")

    monkeypatch.setitem(variants._CHANGES, "int8", change)
    message = "`onnx/int8/decode.onnx` could not be written: RuntimeError: no"
    with pytest.raises(ExportError, match=message):
        export_variant(make_mlp(), tmp_path, "int8")
    assert tree(tmp_path) == []


def test_what_is_asked_for_reaches_the_worker(tmp_path, monkeypatch):
    asked = []
    sizes = {"size": 1, "size_of_float32": 4}
    one = {"file": "a.onnx", **sizes, "max_difference": 0.01, "limit": 1.0}
    figures = {"int8": {"decode": one}}

    def run(request):
        asked.append(request)
        (pathlib.Path(request.directory) / "onnx").mkdir()
        return Report(0.0, {}, {}, {}, variants=figures)

    monkeypatch.setattr(process, "run", run)
    path = keras_vae_export.export(
        make_mlp(),
        tmp_path,
        ["onnx"],
        variants=["int8", "folded", "int8"],
        max_difference=1,
    )
    assert asked[0].variants == ("folded", "int8")
    assert asked[0].max_difference == 1.0
    assert figures_of(path) == figures


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"variants": ["int4"]},
            ValueError,
            r"`variants` must be one of \['folded', 'float16', 'int8'\]",
        ),
        (
            {"variants": "int8", "formats": ["tf_saved_model"]},
            ValueError,
            "`variants` are forms of the ONNX files: `formats` must hold",
        ),
        (
            {"max_difference": "0.1"},
            TypeError,
            "`max_difference` must be a number",
        ),
        (
            {"max_difference": True},
            TypeError,
            "`max_difference` must be a number",
        ),
        *(
            (
                {"max_difference": value},
                ValueError,
                "`max_difference` must be positive and finite",
            )
            for value in (0, -0.1, float("inf"), float("nan"))
        ),
    ],
)
def test_bad_arguments(options, error, message, tmp_path, tree):
    with pytest.raises(error, match=message):
        keras_vae_export.export(make_mlp(), tmp_path / "out", **options)
    assert tree(tmp_path) == []


def test_a_gemm_becomes_int8_too():
    import onnx

    rng = np.random.default_rng(0)
    weights = {"w": rng.normal(size=(40, 30)), "b": rng.normal(size=40)}
    tensors = [
        onnx.numpy_helper.from_array(value.astype("float32"), name)
        for name, value in weights.items()
    ]
    z, x = (
        onnx.helper.make_tensor_value_info(name, 1, ("N", size))
        for name, size in (("z", 30), ("x", 40))
    )
    node = onnx.helper.make_node("Gemm", ["z", "w", "b"], ["x"], transB=1)
    graph = onnx.helper.make_graph([node], "gemm", [z], [x], tensors)
    opset = onnx.helper.make_opsetid("", onnx_file.OPSET)
    core = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
    made = variants.make_variant("int8", "decode", core)
    assert made.counts == ({"MatMul": 1}, {})
    inputs = {"z": rng.normal(size=(5, 30)).astype("float32")}
    found, expected = (
        run_onnx(model.SerializeToString(), inputs)["x"]
        for model in (made.core, core)
    )
    assert 0 < np.abs(found - expected).max() < 0.1 * np.abs(expected).max()


def test_the_score_has_no_variants():
    assert variants.variants_of("score", VARIANTS) == []
    assert variants.variants_of("decode", VARIANTS) == [*VARIANTS]
