import keras
import numpy as np
import pytest

pytestmark = pytest.mark.once


@pytest.mark.parametrize("activation", ["gelu", "celu", "selu", "mish"])
def test_activations_reach_onnx(activation, make_kind, tmp_path):
    onnx = pytest.importorskip("onnx", reason="The extra `export` is missing.")
    import onnxruntime

    z = keras.Input((3,))
    h = keras.layers.Dense(6, activation=activation)(z)
    vae = make_kind(decoder=keras.Model(z, keras.layers.Dense(4)(h)))
    path = tmp_path / "decode.onnx"
    vae.export(path, format="onnx")
    ops = {node.op_type for node in onnx.load(path).graph.node}
    assert not ops & {"Erfc", "Expm1"}
    z = np.linspace(-4, 4, 300, dtype="float32").reshape(100, 3)
    (x,) = onnxruntime.InferenceSession(path).run(["x"], {"z": z})
    expected = keras.ops.convert_to_numpy(vae.decode(z).mean())
    np.testing.assert_allclose(x, expected, rtol=0, atol=1e-5)
