import concurrent.futures
import io
import json

import numpy as np
import onnx
import pytest
from PIL import Image

from keras_vae_serving.servable import DEFAULT_SIGNATURE
from keras_vae_serving.status import Code, ServingError
from keras_vae_serving.store import onnx_servable
from tests.keras_vae_serving.directories import (
    LINEAR,
    SIGNATURES,
    LinearModel,
    file_hashes,
    onnx_file,
    write_version,
)
from tests.keras_vae_serving.linear_graphs import Graph

pytestmark = pytest.mark.once

CONDITIONAL = LinearModel((6,), 2, condition_dim=4)
RECURRENT = LinearModel(recurrent=True)


@pytest.fixture(scope="module")
def linear(linear_version):
    return onnx_servable.load(linear_version, "linear", 7)


@pytest.fixture(scope="module", params=["plain", "conditional", "recurrent"])
def model_and_servable(request, tmp_path_factory):
    model = {
        "plain": LINEAR,
        "conditional": CONDITIONAL,
        "recurrent": RECURRENT,
    }[request.param]
    directory = write_version(tmp_path_factory.mktemp("models"), 1, model)
    return model, onnx_servable.load(directory, "m", 1)


def inputs_of(model, signature, num_rows):
    rng = np.random.default_rng(num_rows)
    found = {}
    for name, (dtype, shape) in model.specs()[signature][0].items():
        sizes = [num_rows if size == "N" else size for size in shape]
        if name == "seed":
            found[name] = rng.integers(-(2**63), 2**63 - 1, sizes, "int64")
        else:
            found[name] = rng.normal(size=sizes).astype(dtype)
    if "num_samples" in found:
        found["num_samples"] = np.int32(num_rows)
    return {name: np.asarray(value) for name, value in found.items()}


def change_file(directory, name, content):
    """Replaces a file, and its hash in the manifest."""
    (directory / name).write_bytes(content)
    path = directory / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"] = file_hashes(directory)
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize("num_rows", [1, 3, 16])
@pytest.mark.parametrize("signature", [*SIGNATURES, DEFAULT_SIGNATURE])
def test_computes(model_and_servable, signature, num_rows):
    model, servable = model_and_servable
    key = "decode" if signature == DEFAULT_SIGNATURE else signature
    inputs = inputs_of(model, key, num_rows)
    found = servable.run(signature, inputs)
    expected = model.run(signature, inputs)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype
        assert found[name].shape == value.shape
        np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("signature", SIGNATURES)
def test_an_empty_batch_is_answered(model_and_servable, signature):
    # onnxruntime would end this process on an empty batch of `recurrent`.
    model, servable = model_and_servable
    found = servable.run(signature, inputs_of(model, signature, 0))
    for name, (dtype, shape) in model.specs()[signature][1].items():
        sizes = [0 if size == "N" else size for size in shape]
        assert found[name].shape == tuple(sizes)
        assert found[name].dtype == dtype


def test_a_negative_number_of_samples_gives_none(model_and_servable):
    model, servable = model_and_servable
    inputs = inputs_of(model, "generate", 0)
    inputs["num_samples"] = np.asarray(-3, "int32")
    assert len(servable.run("generate", inputs)["x"]) == 0


def test_signatures_are_those_of_tensorflow_serving(linear):
    signatures = linear.signatures
    extra = {"generate_png", DEFAULT_SIGNATURE}
    assert signatures.keys() == {*SIGNATURES, *extra}
    z = signatures["decode"].inputs["z"]
    assert z.name == "decode_z:0"
    assert z.dtype.name == "DT_FLOAT"
    assert z.shape == (None, 3)
    default = signatures[DEFAULT_SIGNATURE]
    assert default.inputs["z"].name == "serving_default_z:0"
    assert default.outputs.keys() == {"x"}
    assert (linear.name, linear.version) == ("linear", 7)
    assert signatures["generate_rows"].is_batchable
    assert signatures["generate_png"].is_batchable
    assert not signatures["generate"].is_batchable


def test_png_draws_what_generate_rows_gives(linear):
    inputs = inputs_of(LINEAR, "generate_rows", 3)
    x = linear.run("generate_rows", inputs)["x"]
    files = linear.run("generate_png", inputs)["image_bytes"]
    assert files.shape == (3,)
    for file, intensities in zip(files, x, strict=True):
        levels = np.round(255 * np.clip(intensities, 0, 1))[..., 0]
        found = np.asarray(Image.open(io.BytesIO(file)))
        np.testing.assert_array_equal(found, levels)


def test_no_png_of_what_is_no_image(tmp_path):
    directory = write_version(tmp_path, 1, LinearModel((6,), 2))
    assert (
        "generate_png" not in onnx_servable.load(directory, "m", 1).signatures
    )


def test_no_png_without_generate_rows(tmp_path):
    directory = write_version(tmp_path, 1, signatures=("decode", "encode"))
    signatures = onnx_servable.load(directory, "m", 1).signatures
    assert signatures.keys() == {"decode", "encode", DEFAULT_SIGNATURE}


def test_the_first_signature_is_the_default_without_decode(tmp_path):
    directory = write_version(tmp_path, 1, signatures=("encode", "score"))
    signatures = onnx_servable.load(directory, "m", 1).signatures
    outputs = signatures[DEFAULT_SIGNATURE].outputs
    assert outputs.keys() == signatures["encode"].outputs.keys()


WRONG = [
    ("decode", {"z": np.zeros((2, 4), "f4")}, r"\[-1, 3\]. Received: \[2, 4\]"),
    ("decode", {"z": np.zeros(3, "f4")}, r"\[-1, 3\]. Received: \[3\]"),
    ("decode", {"z": np.zeros((0, 4), "f4")}, r"Received: \[0, 4\]"),
    (
        "generate_rows",
        {"seed": np.zeros(1, "i8"), "temperature": np.ones(3, "f4")},
        r"equally many rows. Received: \[1, 3\]",
    ),
    (
        "generate",
        {
            "num_samples": np.ones(2, "i4"),
            "seed": np.asarray(1),
            "temperature": np.asarray(1, "f4"),
        },
        r"num_samples of generate must have shape \[\]",
    ),
    ("decode", {"z": np.zeros((2, 3), "f8")}, "decode failed: Unexpected"),
]


@pytest.mark.parametrize(("signature", "inputs", "message"), WRONG)
def test_wrong_inputs(linear, signature, inputs, message):
    with pytest.raises(ServingError, match=message) as caught:
        linear.run(signature, inputs)
    assert caught.value.code is Code.INVALID_ARGUMENT


def test_conditions_of_another_number_than_samples(tmp_path):
    directory = write_version(tmp_path, 1, CONDITIONAL)
    servable = onnx_servable.load(directory, "m", 1)
    inputs = inputs_of(CONDITIONAL, "generate", 3)
    inputs["num_samples"] = np.asarray(2, "int32")
    with pytest.raises(ServingError, match=r"equally many rows.*\[2, 3\]"):
        servable.run("generate", inputs)


def test_arrays_in_any_layout(linear):
    z = np.arange(24, dtype="float32").reshape(4, 6)[:, ::2]
    found = linear.run("decode", {"z": z})["x"]
    np.testing.assert_allclose(found, LINEAR.decode(z)["x"], rtol=1e-4)


def test_runs_in_several_threads(linear):
    def check(number):
        inputs = inputs_of(LINEAR, "generate_rows", 1 + number % 5)
        found = linear.run("generate_rows", inputs)["x"]
        expected = LINEAR.generate_rows(**inputs)["x"]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(check, range(400)))) == 400


def failing_graph(op, *inputs):
    """A `decode` whose graph fails on what its inputs allow."""
    graph = Graph(LINEAR)
    z = graph.add(op, "z", *inputs)
    graph.decode(z, "x")
    return graph


def load_with(directory, graph):
    content = onnx_file(graph, *LINEAR.specs()["decode"])
    change_file(directory, "onnx/decode.onnx", content)
    return onnx_servable.load(directory, "m", 1)


def test_what_the_graph_cannot_do_is_internal(version_copy):
    # It takes one row, as the warm-up's, and fails on two.
    graph = failing_graph("Reshape", np.array([1, 3]))
    servable = load_with(version_copy, graph)
    one = servable.run("decode", {"z": np.zeros((1, 3), "float32")})
    assert one["x"].shape == (1, 4, 4, 1)
    with pytest.raises(ServingError, match="decode failed: .*Reshape") as found:
        servable.run("decode", {"z": np.zeros((2, 3), "float32")})
    assert found.value.code is Code.INTERNAL
    assert len(found.value.message) < 400


def test_what_needs_too_much_memory(version_copy):
    # For one row of zeros it is 1 number, for more rows far too many.
    graph = Graph(LINEAR)
    count = graph.add("Shape", "z", start=0, end=1)
    more = graph.add("Sub", count, np.array([1]))
    size = graph.add("Add", graph.add("Mul", more, np.array([2**55])), [1])
    big = graph.add("ConstantOfShape", size)
    total = graph.add("ReduceSum", big, np.array([0]), keepdims=0)
    graph.decode(graph.add("Add", "z", total), "x")
    servable = load_with(version_copy, graph)
    with pytest.raises(ServingError) as caught:
        servable.run("decode", {"z": np.zeros((2, 3), "float32")})
    assert caught.value.code is Code.RESOURCE_EXHAUSTED


def test_a_graph_that_cannot_run_is_not_loaded(version_copy):
    graph = failing_graph("Reshape", np.array([2, 3]))
    with pytest.raises(ServingError, match="decode failed"):
        load_with(version_copy, graph)


def test_shapes_that_are_not_those_of_the_manifest(version_copy):
    graph = failing_graph("Concat", "z", "z")
    graph.nodes[0].attribute.append(onnx.helper.make_attribute("axis", 0))
    with pytest.raises(ServingError, match="give the shapes of the manifest"):
        load_with(version_copy, graph)


def test_names_that_are_not_those_of_the_manifest(version_copy):
    content = (version_copy / "onnx" / "encode.onnx").read_bytes()
    change_file(version_copy, "onnx/decode.onnx", content)
    with pytest.raises(ServingError, match="the inputs of the manifest: z"):
        onnx_servable.load(version_copy, "m", 1)


@pytest.mark.parametrize("content", [b"", b"no graph", b"\x08\x09"])
def test_what_is_no_onnx_file(version_copy, content):
    change_file(version_copy, "onnx/decode.onnx", content)
    with pytest.raises(ServingError, match="that onnxruntime .* can load"):
        onnx_servable.load(version_copy, "m", 1)


def external(location):
    tensor = onnx.numpy_helper.from_array(LINEAR.weights, "weights")
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    value = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("MatMul", ["z", "weights"], ["x"])
    graph = onnx.helper.make_graph(
        [node],
        "external",
        [value("z", 1, ["N", 3])],
        [value("x", 1, ["N", 16])],
        [tensor],
    )
    opset = onnx.helper.make_opsetid("", 18)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9)
    return model.SerializeToString()


@pytest.mark.parametrize("location", ["w.bin", "../w.bin", "{}/w.bin"])
def test_data_of_other_files_is_not_read(
    version_copy, tmp_path, monkeypatch, location
):
    for folder in (tmp_path, version_copy, version_copy / "onnx"):
        (folder / "w.bin").write_bytes(LINEAR.weights.tobytes())
    monkeypatch.chdir(version_copy / "onnx")
    content = external(location.format(tmp_path))
    change_file(version_copy, "onnx/decode.onnx", content)
    with pytest.raises(ServingError, match="External data path"):
        onnx_servable.load(version_copy, "m", 1)


def test_close(linear_version):
    servable = onnx_servable.load(linear_version, "m", 1)
    servable.close()
    with pytest.raises(KeyError):
        servable.run("decode", {"z": np.zeros((1, 3), "float32")})
