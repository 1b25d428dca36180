import pytest

from keras_vae_export import ExportError
from keras_vae_export.canonical import canonical, nodes_of
from keras_vae_export.signatures import Signature, TensorSpec

pytestmark = pytest.mark.once

onnx = pytest.importorskip("onnx", reason="The extra `export` is missing.")
parser = pytest.importorskip("onnx.parser", reason="Its onnx is too old.")

DECODE = Signature(
    "decode",
    (TensorSpec("z", "float32", ("N", 2)),),
    (TensorSpec("x", "float32", ("N", 2)),),
)
HEAD = '<ir_version: 8, opset_import: ["" : 18, "ai.onnx.ml" : 2]>\n'

ONE = """
one (float[unk_1, 2] z) => (float[unk_2, 2] x)
<float[2] dense_1_bias = {1, 2}, float[2] scale_1 = {3, 4},
 float[2] unused = {5, 6}> {
  dense_1_add = Add (z, dense_1_bias)
  dense_1_mul = Mul (z, scale_1)
  x = Sub (dense_1_add, dense_1_mul)
}
"""
# The same graph under other names, in another order, with more around it.
OTHER = """
other (float[unk_7, 2] z) => (float[unk_8, 2] x)
<float[2] a_scale = {3, 4}, float[2] z_bias = {1, 2}> {
  multiplied = Mul (z, a_scale)
  not_needed = Neg (multiplied)
  added = Add (z, z_bias)
  x = Sub (added, multiplied)
}
"""
# A loop whose body uses a value from outside and constants of both.
LOOP = """
loop (float[unk_1, 2] z) => (float[unk_2, 2] x)
<int64 {p}count = {{3}}, bool {p}go = {{1}}, float[2] {p}step = {{1, 2}}> {{
  {p}scaled = Mul (z, {p}step)
  x = Loop ({p}count, {p}go, z) <body = {p}body (
    int64 {p}i, bool {p}on, float[unk_5, 2] {p}state
  ) => (bool {p}more, float[unk_6, 2] {p}next)
  <float[2] {p}inner = {{5, 6}}> {{
    {p}more = Identity ({p}on)
    {p}shifted = Add ({p}state, {p}inner)
    {p}stepped = Add ({p}shifted, {p}step)
    {p}next = Add ({p}stepped, {p}scaled)
  }}>
}}
"""


# The first again; a converter leaves such nodes, or not.
WITH_IDENTITIES = """
one (float[unk_1, 2] z) => (float[unk_2, 2] x)
<float[2] bias = {1, 2}, float[2] scale = {3, 4}> {
  z_copied = Identity (z)
  bias_copied = Identity (bias)
  added = Add (z, bias_copied)
  added_copied = Identity (added)
  added_copied_again = Identity (added_copied)
  multiplied = Mul (z_copied, scale)
  difference = Sub (added_copied_again, multiplied)
  x = Identity (difference)
}
"""
# Both states of the body are one value: which of its two names comes first
# is the converter's whim.
BRANCH = """
branch (float[N, 2] z) => (float[N, 2] x)
<bool yes = {{1}}> {{
  first, second = If (yes) <then_branch = then_body () => (
    float[N, 2] {first}, float[N, 2] {second}
  ) {{
    made = Neg (z)
    copied = Identity (made)
  }}, else_branch = else_body () => (float[N, 2] one, float[N, 2] two) {{
    one = Identity (z)
    two = Identity (z)
  }}>
  x = Add (first, second)
}}
"""


def parsed(text):
    return parser.parse_model(HEAD + text)


def in_bytes(model):
    return model.SerializeToString(deterministic=True)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (ONE, OTHER),
        (ONE, WITH_IDENTITIES),
        (LOOP.format(p="a_"), LOOP.format(p="z_9_")),
        (
            BRANCH.format(first="made", second="copied"),
            BRANCH.format(first="copied", second="made"),
        ),
    ],
)
def test_names_and_order_do_not_matter(first, second):
    models = [canonical(parsed(text), DECODE, 18) for text in (first, second)]
    assert in_bytes(models[0]) == in_bytes(models[1])
    onnx.checker.check_model(models[0], full_check=True)


@pytest.mark.parametrize(
    "change", [("{1, 2}", "{1, 3}"), ("Sub", "Add"), ("(z, dense", "(dense")]
)
def test_what_computes_something_else_stays_different(change):
    text = ONE.replace(*change).replace("(dense_1_bias)", "(z, z)")
    models = [canonical(parsed(one), DECODE, 18) for one in (ONE, text)]
    assert in_bytes(models[0]) != in_bytes(models[1])


def test_the_form():
    model = canonical(parsed(ONE), DECODE, 18)
    graph = model.graph
    assert [node.name for node in graph.node] == ["Add_0", "Mul_0", "Sub_0"]
    assert [list(node.input) for node in graph.node] == [
        ["z", "constant_0"],
        ["z", "constant_1"],
        ["Add_0", "Mul_0"],
    ]
    assert [list(node.output) for node in graph.node] == [
        ["Add_0"],
        ["Mul_0"],
        ["x"],
    ]
    names = [tensor.name for tensor in graph.initializer]
    assert names == ["constant_0", "constant_1"]
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"
    assert graph.output[0].type.tensor_type.shape.dim[0].dim_param == "N"
    opsets = [(one.domain, one.version) for one in model.opset_import]
    assert opsets == [("", 18)]
    assert not graph.value_info


@pytest.mark.parametrize(
    "text",
    [
        ONE,
        WITH_IDENTITIES,
        LOOP.format(p="a_"),
        BRANCH.format(first="made", second="copied"),
    ],
)
def test_it_computes_the_same(text):
    import numpy as np
    import onnxruntime

    original = parsed(text)
    z = np.array([[1, -2], [0.5, 3]], "float32")
    outputs = [
        onnxruntime.InferenceSession(in_bytes(model)).run(["x"], {"z": z})[0]
        for model in (original, canonical(original, DECODE, 18))
    ]
    np.testing.assert_array_equal(*outputs)


def test_nodes_of_bodies_are_found():
    graph = canonical(parsed(LOOP.format(p="a_")), DECODE, 18).graph
    kinds = sorted(node.op_type for node in nodes_of(graph))
    assert kinds == ["Add", "Add", "Add", "Loop", "Mul"]


@pytest.mark.parametrize("value", ["z", "bias"])
def test_an_output_that_no_node_makes(value):
    text = "same (float[N, 2] z) => (float[N, 2] x) <float[2] bias = {1, 2}>"
    text += f"{{ x = Identity ({value}) }}"
    graph = canonical(parsed(text), DECODE, 18).graph
    (node,) = graph.node
    assert (node.op_type, list(node.output)) == ("Identity", ["x"])


def test_other_outputs_are_refused():
    message = r"must have the outputs \['x'\]. Received: \['y'\]"
    with pytest.raises(ExportError, match=message):
        canonical(parsed(ONE.replace("x", "y")), DECODE, 18)
