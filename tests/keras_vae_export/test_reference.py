import types

import numpy as np
import pytest
from keras import ops

from keras_vae.random import threefry
from keras_vae_export import ExportError, reference


def test_it_is_what_the_model_decodes(make_kind, tmp_path):
    vae = make_kind("conv_odd_normal")
    made = reference.make_reference(vae)
    np.testing.assert_array_equal(
        made.inputs["z"], threefry.normals(16, 3, seed=0)
    )
    x = ops.convert_to_numpy(vae.decode(made.inputs["z"]).mean())
    np.testing.assert_allclose(made.x, x, atol=1e-6)
    assert made.x.dtype == "float32"
    assert made.exact is True
    made.save(tmp_path / "r.npz")
    loaded = reference.Reference.load(tmp_path / "r.npz")
    np.testing.assert_array_equal(loaded.x, made.x)
    np.testing.assert_array_equal(loaded.inputs["z"], made.inputs["z"])
    assert loaded.exact is True


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_is_not_exact(dtype, make_kind):
    made = reference.make_reference(make_kind(dtype=dtype))
    assert not made.exact
    assert made.x.dtype == "float32"


def test_weights_that_are_not_finite(make_kind):
    vae = make_kind()
    kernel = vae.decoder.trainable_weights[0]
    kernel.assign(np.full(kernel.shape, np.nan))
    with pytest.raises(ExportError, match="'tiny' decodes .* not finite"):
        reference.make_reference(vae)


@pytest.mark.parametrize(
    ("device", "exact"),
    [
        ("cpu", True),
        ("TFRT_CPU_0", True),
        ("/job:localhost/replica:0/task:0/device:CPU:0", True),
        ("cuda:0", False),
        ("/job:localhost/replica:0/task:0/device:GPU:0", False),
        ("mps:0", False),
    ],
)
def test_devices(device, exact):
    tensor = types.SimpleNamespace(device=device)
    assert reference._is_on_cpu(tensor) is exact
