"""What the convolutions by phases have in common: the choice, the bias."""

import keras
import numpy as np
import pytest

from keras_vae.layers import Conv2D, Conv2DTranspose, by_phases
from tests.keras_vae.layers import strided

BOTH = pytest.mark.parametrize("cls", [Conv2D, Conv2DTranspose])


@pytest.mark.parametrize(
    ("backend", "device", "method"),
    [
        ("jax", "cpu:0", "subpixel"),
        ("jax", "gpu:0", "direct"),
        ("tensorflow", "cpu:0", "direct"),
        ("torch", "cpu:0", "direct"),
    ],
)
def test_the_choice_is_as_measured(backend, device, method, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: [device])
    assert by_phases.faster_method() == method


@BOTH
@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"dilation_rate": 2}, (None, 4, 3, 2)),
        ({"data_format": "channels_first"}, (None, 2, 4, 3)),
        ({"data_format": "channels_last"}, (None, None, 3, 2)),
    ],
    ids=str,
)
def test_what_is_left_to_keras(cls, options, shape):
    """The phases would raise an error, or compute something else."""
    layer = cls(3, 3, method="subpixel", **options)
    assert layer.method_for(shape) == "direct"


def test_groups_are_left_to_keras():
    layer = Conv2D(4, 3, groups=2, method="subpixel")
    assert layer.method_for((None, 4, 4, 2)) == "direct"


@pytest.mark.once
@BOTH
@pytest.mark.parametrize("method", ["phases", None, True])
def test_unknown_methods_are_errors(cls, method):
    message = r"`method` must be one of .*Received: method=.*`method=\"auto\"`"
    with pytest.raises(ValueError, match=message):
        cls(2, 3, method=method)


@BOTH
@pytest.mark.parametrize("method", ["direct", "subpixel"])
def test_the_gradient_of_a_bias_in_bfloat16(cls, method, to_numpy):
    """A sum in bfloat16 loses half of it: 1 added to 256 changes nothing."""
    x, gradients = strided.values((64, 8, 8, 1)), []
    for dtype in ("float32", "mixed_bfloat16"):
        layer = cls(2, 1, method=method, dtype=dtype)
        layer.build(x.shape)
        layer.set_weights([np.ones(w.shape) for w in layer.weights])
        found = strided.outputs_and_gradients(layer, x, 1.0, training=True)
        gradients.append(to_numpy(keras.ops.cast(found[-1], "float32")))
    np.testing.assert_allclose(*gradients[::-1], rtol=0.01)
