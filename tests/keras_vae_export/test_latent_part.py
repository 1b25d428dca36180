import pytest

from keras_vae_export.latent_part import after_latents

pytestmark = pytest.mark.once

onnx = pytest.importorskip("onnx", reason="The extra `export` is missing.")
parser = pytest.importorskip("onnx.parser", reason="Its onnx is too old.")

# Both parts use `scale`, and one value of the first; `unused` goes nowhere.
MODEL = """
<ir_version: 8, opset_import: ["" : 18]>
core (float[N, 2] normals, float[N, 2] condition)
  => (float[N, 2] x, float[N, 2] z)
<float[1] scale = {3}, float[1] shift = {0.5}> {
  wide = Mul (normals, scale)
  z = Add (wide, shift)
  unused = Neg (z)
  both = Add (z, condition)
  more = Add (both, wide)
  x = Mul (more, scale)
}
"""


def doubled(model):
    """Doubles every constant, as a change of the weights' precision might."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for tensor in changed.graph.initializer:
        array = 2 * onnx.numpy_helper.to_array(tensor)
        tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    return changed


def run(model):
    import numpy as np

    runtime = pytest.importorskip(
        "onnxruntime", reason="It runs the model in onnxruntime."
    )
    session = runtime.InferenceSession(model.SerializeToString())
    ones = np.ones((1, 2), "float32")
    x, z = session.run(["x", "z"], {"normals": ones, "condition": ones})
    return float(x[0, 0]), float(z[0, 0])


def test_what_gives_z_is_left_alone():
    model = parser.parse_model(MODEL)
    before = model.SerializeToString()
    seen = []

    def change(part):
        seen.append(part)
        return doubled(part)

    changed = after_latents(model, change)
    # z = 3 + 0.5, x = 3 * (z + 1 + 3); only the last constant is doubled.
    assert run(model) == (22.5, 3.5)
    assert run(changed) == (45.0, 3.5)
    assert model.SerializeToString() == before
    (part,) = seen
    assert [one.name for one in part.graph.input] == ["z", "condition", "wide"]
    assert [one.name for one in part.graph.output] == ["x"]
    assert [one.name for one in part.graph.initializer] == ["scale"]
    onnx.checker.check_model(changed, full_check=True)


def test_a_core_without_z_is_changed_as_a_whole():
    text = MODEL.replace(", float[N, 2] z)", ")")
    changed = after_latents(parser.parse_model(text), doubled)
    constants = {
        one.name: onnx.numpy_helper.to_array(one).tolist()
        for one in changed.graph.initializer
    }
    assert constants == {"scale": [6], "shift": [1]}
