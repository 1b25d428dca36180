import numpy as np
import pytest

from keras_vae_export.empty_batches import (
    with_counted_axes,
    with_literal_zeros,
)

pytestmark = pytest.mark.once

onnx = pytest.importorskip("onnx", reason="The extra `export` is missing.")
parser = pytest.importorskip("onnx.parser", reason="Its onnx is too old.")

MODEL = """
<ir_version: 8, opset_import: ["" : 18]>
reduce (float[N, 4, 5] z) => (float[N, 4] x)
<int64[1] last = {-1}, int64[2] both = {1, -1}, float scale = {2}> {
  doubled = Mul (z, scale)
  summed = ReduceSum <keepdims = 0> (doubled, last)
  largest = ReduceMax <keepdims = 1> (doubled, both)
  flat = Squeeze (largest, last)
  x = Mul (summed, flat)
}
"""


@pytest.fixture
def model():
    return parser.parse_model(MODEL)


def axes_of(model):
    constants = {
        one.name: onnx.numpy_helper.to_array(one).tolist()
        for one in model.graph.initializer
    }
    nodes = [n for n in model.graph.node if n.op_type.startswith("Reduce")]
    return [constants[node.input[1]] for node in nodes]


def test_axes_are_counted_from_the_front(model):
    assert axes_of(model) == [[-1], [1, -1]]
    assert axes_of(with_counted_axes(model)) == [[2], [1, 2]]
    onnx.checker.check_model(model, full_check=True)


def test_an_empty_batch_is_reduced_too(model):
    runtime = pytest.importorskip(
        "onnxruntime", reason="It runs the model in onnxruntime."
    )
    z = np.arange(40, dtype="float32").reshape(2, 4, 5)

    def run(one, size):
        session = runtime.InferenceSession(one.SerializeToString())
        return session.run(None, {"z": z[:size]})[0]

    before = run(model, 2)
    counted = with_counted_axes(model)
    np.testing.assert_array_equal(run(counted, 2), before)
    assert run(counted, 0).shape == (0, 4)


def test_axes_that_are_no_constants_stay(model):
    (last,) = [i for i in model.graph.initializer if i.name == "last"]
    model.graph.initializer.remove(last)
    model.graph.input.append(
        onnx.helper.make_tensor_value_info("last", onnx.TensorProto.INT64, [1])
    )
    nodes = with_counted_axes(model).graph.node
    assert nodes[1].input[1] == "last"


RESHAPE = """
<ir_version: 8, opset_import: ["" : 18]>
reshape (float[N, 4] z) => (float[1, N, 4] x)
<int64[1] one = {1}> {
  sizes = Shape (z)
  shape = Concat <axis = 0> (one, sizes)
  x = Reshape (z, shape)
}
"""


def test_an_axis_of_a_computed_shape_may_be_empty():
    runtime = pytest.importorskip(
        "onnxruntime", reason="It runs the model in onnxruntime."
    )
    model = with_literal_zeros(parser.parse_model(RESHAPE))
    onnx.checker.check_model(model, full_check=True)
    session = runtime.InferenceSession(model.SerializeToString())
    for size in (0, 3):
        z = np.ones((size, 4), "float32")
        (x,) = session.run(None, {"z": z})
        assert x.shape == (1, size, 4)
