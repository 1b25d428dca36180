import functools
import itertools

import numpy as np
import pytest

from keras_vae import random
from keras_vae_export import onnx_stream, tensorflow_stream
from keras_vae_export.canonical import nodes_of
from keras_vae_export.noise import Noise
from keras_vae_export.onnx_file import OPSET

pytestmark = pytest.mark.once

onnx = pytest.importorskip(
    "onnx", reason="The ONNX form of the stream needs onnx, of `export`."
)
reference = pytest.importorskip(
    "onnx.reference", reason="The installed onnx has no reference evaluator."
)
onnxruntime = pytest.importorskip(
    "onnxruntime", reason="The ONNX form runs in onnxruntime, of `export`."
)
tf = pytest.importorskip(
    "tensorflow", reason="TensorFlow's form of the stream needs TensorFlow."
)

SEEDS = (0, 7, -1, 2**63 - 1, 12345678901234)
COUNTS = (0, 1, 2, 7, 1000)
TEMPERATURES = (1.0, 0.5, 0.0)
# One value in 10^7 may differ between two libraries of mathematics.
RARE = 1e-7


def make_thresholds(num_choices, num_components):
    weights = np.random.default_rng(0).gamma(0.3, size=(8, num_components))
    rows = [random.thresholds(row) for row in weights[:num_choices]]
    return np.array(rows, np.uint64).reshape(num_choices, num_components)


# Normals, then choices among how many, then uniforms, those that choose too.
SPECS = {
    "normals": Noise(4, make_thresholds(0, 0), 0),
    "one_of_each": Noise(1, make_thresholds(1, 5), 2),
    "odd": Noise(5, make_thresholds(2, 33), 5),
    "choices": Noise(4, make_thresholds(3, 8), 3),
    "one_component": Noise(1, make_thresholds(4, 1), 4),
    "uniforms": Noise(0, make_thresholds(0, 3), 1),
    "nothing": Noise(0, make_thresholds(0, 0), 0),
}
DRAWS = ("noise", "noise_for_seeds")
SIGNATURES = {
    "noise": {
        "num_samples": (np.int32, []),
        "seed": (np.int64, []),
        "temperature": (np.float32, []),
    },
    "noise_for_seeds": {
        "seed": (np.int64, [None]),
        "temperature": (np.float32, [None]),
    },
}


def expected_noise(spec, normals, bits):
    outputs = {"normals": normals}
    if spec.num_choices:
        outputs["choices"] = np.stack(
            [
                random.choose(bits[:, column], row)
                for column, row in enumerate(spec.thresholds)
            ],
            axis=1,
        ).astype(np.int32)
    if spec.num_uniforms > spec.num_choices:
        rest = bits[:, spec.num_choices :]
        exact = ((rest >> 9).astype(np.float64) + 0.5) / 2**23
        outputs["uniforms"] = exact.astype(np.float32)
        np.testing.assert_array_equal(outputs["uniforms"], exact)
    return outputs


def expected_samples(spec, num_samples, seed, temperature):
    return expected_noise(
        spec,
        random.normals(num_samples, spec.num_normals, seed, temperature),
        random.uniform_bits(num_samples, spec.num_uniforms, seed),
    )


def expected_rows(spec, seeds, temperatures):
    return expected_noise(
        spec,
        random.normals_for_seeds(seeds, spec.num_normals, temperatures),
        random.uniform_bits_for_seeds(seeds, spec.num_uniforms),
    )


def steps_apart(values, expected):
    """How many float32 numbers lie between two arrays' values."""
    assert values.dtype == expected.dtype == np.float32
    bits, others = (
        array.view(np.int32).astype(np.int64) for array in (values, expected)
    )
    return np.abs(bits - others)


def check(outputs, expected):
    assert list(outputs) == list(expected)
    for name, values in expected.items():
        assert outputs[name].dtype == values.dtype
        assert outputs[name].shape == values.shape
        if name != "normals":
            np.testing.assert_array_equal(outputs[name], values)
    steps = steps_apart(outputs["normals"], expected["normals"])
    assert steps.max(initial=0) <= 1
    assert np.count_nonzero(steps) <= steps.size * RARE


def model_of(spec, draw):
    graph = getattr(onnx_stream, f"{draw}_graph")(spec)
    opset = onnx.helper.make_opsetid("", OPSET)
    return onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)


def in_tensorflow(spec, draw):
    function = functools.partial(getattr(tensorflow_stream, draw), spec)

    def call(**inputs):
        outputs = function(*(tf.constant(value) for value in inputs.values()))
        return {name: value.numpy() for name, value in outputs.items()}

    return call


def in_saved_model(spec, draw, folder):
    function = functools.partial(getattr(tensorflow_stream, draw), spec)
    specs = [
        tf.TensorSpec(shape, dtype, name=name)
        for name, (dtype, shape) in SIGNATURES[draw].items()
    ]
    module = tf.Module()
    module.draw = tf.function(function, specs, autograph=False)
    tf.saved_model.save(module, folder, {"draw": module.draw})
    loaded = tf.saved_model.load(folder)
    signature = loaded.signatures["draw"]
    found = signature.structured_outputs
    for name, width in widths(spec).items():
        assert found[name].shape.as_list() == [None, width]

    def call(**inputs):
        assert loaded is not None  # owns the function
        tensors = {name: tf.constant(inputs[name]) for name in inputs}
        outputs = signature(**tensors)
        assert set(outputs) == set(widths(spec))
        return {name: outputs[name].numpy() for name in widths(spec)}

    return call


def widths(spec):
    """The outputs in their order, and how many values a row of each has."""
    found = {
        "normals": spec.num_normals,
        "choices": len(spec.thresholds),
        "uniforms": spec.num_uniforms - len(spec.thresholds),
    }
    return {k: v for k, v in found.items() if v or k == "normals"}


def in_onnxruntime(spec, draw, optimised=True):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = (
        level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
    )
    session = onnxruntime.InferenceSession(
        model_of(spec, draw).SerializeToString(),
        options,
        providers=["CPUExecutionProvider"],
    )
    names = [output.name for output in session.get_outputs()]

    def call(**inputs):
        values = session.run(names, inputs)
        return dict(zip(names, values, strict=True))

    return call


def in_reference(spec, draw):
    evaluator = reference.ReferenceEvaluator(model_of(spec, draw))

    def call(**inputs):
        values = evaluator.run(None, inputs)
        return dict(zip(evaluator.output_names, values, strict=True))

    return call


RUNTIMES = {
    "tensorflow": in_tensorflow,
    "saved_model": in_saved_model,
    "onnxruntime": in_onnxruntime,
    "onnxruntime_unoptimised": functools.partial(
        in_onnxruntime, optimised=False
    ),
    "onnx_reference": in_reference,
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Draws in a runtime, which is set up once."""

    @functools.cache
    def start(runtime, spec_name, draw):
        arguments = (SPECS[spec_name], draw)
        if runtime == "saved_model":
            folder = tmp_path_factory.mktemp(f"{spec_name}_{draw}")
            return in_saved_model(*arguments, str(folder))
        return RUNTIMES[runtime](*arguments)

    def call(runtime, spec_name, draw, *values):
        signature = SIGNATURES[draw]
        inputs = {
            name: np.asarray(value, signature[name][0])
            for name, value in zip(signature, values, strict=True)
        }
        return start(runtime, spec_name, draw)(**inputs)

    return call


@pytest.mark.parametrize("spec_name", SPECS)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_noise_equals_that_of_numpy(runtime, spec_name, drawn):
    for case in itertools.product(COUNTS, SEEDS, TEMPERATURES):
        outputs = drawn(runtime, spec_name, "noise", *case)
        check(outputs, expected_samples(SPECS[spec_name], *case))


@pytest.mark.parametrize("spec_name", SPECS)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_noise_for_seeds_equals_that_of_numpy(runtime, spec_name, drawn):
    for count in COUNTS:
        seeds = np.resize(np.array(SEEDS), count)
        seeds[len(SEEDS) :] -= np.arange(len(SEEDS), max(count, len(SEEDS)))
        temperatures = np.resize(np.float32(TEMPERATURES), count)
        case = (seeds, temperatures)
        outputs = drawn(runtime, spec_name, "noise_for_seeds", *case)
        check(outputs, expected_rows(SPECS[spec_name], *case))


# The stream's published check values: dim 4, two samples, temperature 1.
CHECK_NORMALS = {
    7: [
        [-0.0404642, -0.4362647, -0.3205668, 0.7990275],
        [1.9440784, 0.9638852, 1.8794546, -0.0984363],
    ],
    -1: [
        [-0.5703732, 1.5522108, 0.9319686, -0.2692088],
        [-1.9567599, -0.3086686, -1.1304402, -1.0075939],
    ],
}


@pytest.mark.parametrize("seed", CHECK_NORMALS)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_check_values(runtime, seed, drawn):
    outputs = drawn(runtime, "normals", "noise", 2, seed, 1.0)
    np.testing.assert_allclose(
        outputs["normals"], CHECK_NORMALS[seed], rtol=0, atol=5.1e-8
    )
    expected = random.normals(num_samples=2, dim=4, seed=seed)
    np.testing.assert_array_equal(steps_apart(outputs["normals"], expected), 0)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_rows_do_not_depend_on_what_else_is_drawn(runtime, drawn):
    many = drawn(runtime, "odd", "noise", 100, 7, 0.5)
    few = drawn(runtime, "odd", "noise", 3, 7, 0.5)
    rows = drawn(runtime, "odd", "noise_for_seeds", [8, 7], [1.0, 0.5])
    for name, values in many.items():
        np.testing.assert_array_equal(few[name], values[:3])
        np.testing.assert_array_equal(rows[name][1], values[0])


@pytest.mark.parametrize("runtime", ["saved_model", "onnxruntime"])
def test_a_million_normals(runtime, drawn):
    case = (250_000, 12345678901234, 1.0)
    outputs = drawn(runtime, "normals", "noise", *case)
    expected = random.normals(250_000, 4, *case[1:])
    steps = steps_apart(outputs["normals"], expected)
    assert steps.max() <= 1
    assert np.count_nonzero(steps) <= 1


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_bits_next_to_a_threshold(runtime, drawn, monkeypatch):
    bits = random.uniform_bits(1, 2, seed=7)[0].astype(np.uint64)
    one = np.uint64(1)
    rows = [
        [0, bits[0], bits[0], bits[0] + one, 2**32],
        [bits[1] - one, bits[1] + one, bits[1] + one, 2**32, 2**32],
    ]
    spec = Noise(1, np.array(rows, np.uint64), 2)
    monkeypatch.setitem(SPECS, "exact", spec)
    outputs = drawn(runtime, "exact", "noise", 1, 7, 1.0)
    np.testing.assert_array_equal(outputs["choices"], [[3, 1]])


@pytest.mark.parametrize("spec_name", SPECS)
@pytest.mark.parametrize("draw", DRAWS)
def test_graphs_are_plain_onnx(draw, spec_name):
    model = model_of(SPECS[spec_name], draw)
    onnx.checker.check_model(model, full_check=True)
    nodes = list(nodes_of(model.graph))
    assert {node.domain for node in nodes} == {""}
    random_ops = {"Bernoulli", "Dropout", "Multinomial"}
    for node in nodes:
        assert not node.op_type.startswith(("Random", "Reduce"))
        assert node.op_type not in random_ops
    inputs = [value.name for value in model.graph.input]
    assert inputs == list(SIGNATURES[draw])
    again = model_of(SPECS[spec_name], draw)
    assert again.SerializeToString() == model.SerializeToString()


@pytest.mark.parametrize("draw", DRAWS)
def test_tensorflow_draws_without_state_or_random_ops(draw):
    specs = [
        tf.TensorSpec(shape, dtype)
        for dtype, shape in SIGNATURES[draw].values()
    ]
    function = functools.partial(getattr(tensorflow_stream, draw), SPECS["odd"])
    concrete = tf.function(function, autograph=False).get_concrete_function(
        *specs
    )
    operations = concrete.graph.get_operations()
    assert operations
    for operation in operations:
        assert "Random" not in operation.type
        assert (
            operation.type == "Placeholder" or not operation.op_def.is_stateful
        )


COUNTERS = np.array(
    [0, 1, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1], np.uint64
)


def tensorflow_words(keys, counters):
    words = tensorflow_stream._threefry(*map(tf.constant, (keys, counters)))
    return [word.numpy() for word in words]


def onnx_words(keys, counters):
    graph = onnx_stream._Graph()
    words = onnx_stream._threefry(graph, "keys", "counters")
    helper = onnx.helper
    shapes = {"keys": [None, 1], "counters": [1, None]}
    made = helper.make_graph(
        graph.nodes,
        "blocks",
        [
            helper.make_tensor_value_info(name, onnx.TensorProto.UINT64, shape)
            for name, shape in shapes.items()
        ],
        [
            helper.make_tensor_value_info(name, onnx.TensorProto.UINT32, None)
            for name in words
        ],
        list(graph.constants.values()),
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(made, opset_imports=[opset], ir_version=8)
    inputs = {"keys": keys, "counters": counters}
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    found = session.run(list(words), inputs)
    evaluated = reference.ReferenceEvaluator(model).run(None, inputs)
    np.testing.assert_array_equal(found, evaluated)
    return found


@pytest.mark.parametrize("words", [tensorflow_words, onnx_words])
def test_all_blocks_have_the_bits_of_numpy(words):
    seeds = np.array([*SEEDS, -(2**63)])
    keys = seeds.view(np.uint64)[:, None]
    found = words(keys, COUNTERS[None])
    expected = [random.blocks(int(seed), COUNTERS) for seed in seeds]
    np.testing.assert_array_equal(np.stack(found, axis=-1), expected)
