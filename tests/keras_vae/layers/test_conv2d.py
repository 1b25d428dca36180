"""The convolution: Keras's outputs, gradients, config and weights."""

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_vae.layers import Conv2D, conv2d
from keras_vae.layers.subpixel import convolution
from keras_vae.networks import conv_encoder
from tests.keras_vae.layers import strided
from tests.keras_vae.layers.strided import check, values

BACKEND = keras.backend.backend()
# Kernel size, strides, padding, height and width.
CASES = [
    (3, 2, "same", (7, 6)),
    (3, 2, "valid", (8, 7)),
    (4, 2, "same", (5, 6)),
    (5, 3, "valid", (9, 7)),
    (1, 2, "same", (4, 5)),
    (2, 3, "valid", (7, 6)),
    (3, 1, "same", (4, 3)),
    ((2, 5), (3, 1), "same", (5, 4)),
]


def pair(*arguments, channels=2, **options):
    """Keras's layer and ours by phases, of the same weights."""
    classes = keras.layers.Conv2D, Conv2D
    return strided.pair(classes, *arguments, channels=channels, **options)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients_are_those_of_keras(case, to_numpy):
    size, strides, padding, shape = case
    plain, ours = pair(3, size, strides, padding=padding, activation="tanh")
    check(plain, ours, values((2, *shape, 2), 5), to_numpy)


@st.composite
def layers(draw):
    """The arguments of a layer and its input's shape."""
    sizes = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    strides = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = draw(st.sampled_from(["valid", "same"]))
    # As large as the kernel at least: else nothing comes out.
    rows, columns = (draw(st.integers(size, size + 4)) for size in sizes)
    shape = draw(st.integers(1, 3)), rows, columns, draw(st.integers(1, 3))
    return (draw(st.integers(1, 3)), sizes, strides), padding, shape


@pytest.mark.skipif(
    BACKEND == "torch",
    reason="PyTorch's own gradient, with which it is compared, fails on some.",
)
@settings(
    max_examples=4 if BACKEND == "jax" else 20,  # JAX compiles each.
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(layers())
def test_any_layer(to_numpy, drawn):
    arguments, padding, shape = drawn
    plain, ours = pair(*arguments, channels=shape[-1], padding=padding)
    check(plain, ours, values(shape, 5), to_numpy)


@pytest.mark.parametrize("policy", strided.POLICIES)
def test_mixed_precision(policy, to_numpy):
    layers = pair(3, 3, strides=2, padding="same", dtype=policy)
    strided.check_policy(*layers, policy, to_numpy)


@pytest.mark.parametrize(
    ("method", "called"),
    [("subpixel", True), ("direct", False), ("auto", BACKEND == "jax")],
)
def test_only_training_has_gradients_by_hand(method, called, monkeypatch):
    calls = []

    def spy(*arguments):
        calls.append(arguments)
        return convolution(*arguments)

    monkeypatch.setattr(conv2d, "convolution", spy)
    layer = Conv2D(2, 3, method=method)
    layer(values((1, 3, 3, 1)))
    assert not calls
    layer(values((1, 3, 3, 1)), training=True)
    assert len(calls) == called


@pytest.mark.once
def test_config_is_keras_own():
    options = {"padding": "same", "name": "down", "use_bias": False}
    plain, ours = pair(3, 4, strides=2, **options)
    assert ours.get_config() == plain.get_config()
    copy = Conv2D.from_config(plain.get_config())
    assert (copy.get_config(), copy.method) == (plain.get_config(), "auto")
    names = [[w.path for w in layer.weights] for layer in (plain, ours)]
    assert names[0] == names[1]


def test_the_encoder_is_saved_and_loaded(tmp_path, to_numpy):
    encoder = conv_encoder((7, 6, 1), filters=(3, 2), seed=0)
    found = [type(one) for one in encoder.layers if "conv" in one.name]
    assert found == [Conv2D] * 2
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    x = values((2, 7, 6, 1))
    expected = to_numpy(encoder(x))
    np.testing.assert_array_equal(to_numpy(loaded(x)), expected)
