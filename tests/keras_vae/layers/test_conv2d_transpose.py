"""The transposed convolution: Keras's outputs, gradients, config, weights."""

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_vae.layers import Conv2DTranspose, conv2d_transpose
from keras_vae.layers.subpixel import transposed_convolution
from keras_vae.networks import conv_decoder
from tests.keras_vae.layers import strided
from tests.keras_vae.layers.strided import check, values

BACKEND = keras.backend.backend()
# Kernel size, strides, padding, output_padding, height and width.
CASES = [
    (3, 2, "valid", None, (7, 7)),
    (3, 2, "same", None, (4, 5)),
    (4, 2, "same", None, (3, 2)),
    (5, 2, "same", None, (3, 4)),
    (3, 2, "same", 0, (4, 3)),
    (4, 2, "same", 1, (3, 3)),
    (5, 3, "same", 2, (2, 3)),
    (3, 3, "valid", 1, (2, 2)),
    (1, 1, "valid", None, (3, 2)),
    (3, 1, "same", None, (4, 3)),
    (1, 3, "same", None, (2, 3)),
    (2, 3, "valid", None, (3, 1)),
    ((2, 5), (3, 1), "valid", (2, 0), (3, 4)),
    ((5, 3), (2, 4), "same", None, (1, 3)),
]


def pair(*arguments, channels=2, **options):
    """Keras's layer and ours by phases, of the same weights."""
    classes = keras.layers.Conv2DTranspose, Conv2DTranspose
    return strided.pair(classes, *arguments, channels=channels, **options)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_phases_compute_what_keras_does(case, to_numpy):
    size, strides, padding, output_padding, shape = case
    options = {"padding": padding, "output_padding": output_padding}
    plain, ours = pair(3, size, strides, activation="tanh", **options)
    check(plain, ours, values((2, *shape, 2), 5), to_numpy)


@st.composite
def layers(draw):
    """The arguments of a layer and its input's shape."""
    padding = draw(st.sampled_from(["valid", "same"]))
    sizes = draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    strides = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    extra = None
    if draw(st.booleans()):
        # Keras on TensorFlow has no "same" with an even kernel and 0.
        least = [int(padding == "same" and size % 2 == 0) for size in sizes]
        pairs = list(zip(least, strides, strict=True))
        if all(low < stride for low, stride in pairs):
            extra = tuple(draw(st.integers(n, s - 1)) for n, s in pairs)
    options = {"padding": padding, "output_padding": extra}
    arguments = draw(st.integers(1, 3)), sizes, strides
    shape = draw(st.tuples(*[st.integers(1, 4)] * 4))
    return arguments, options, shape


@settings(
    max_examples=4 if BACKEND == "jax" else 20,  # JAX compiles each.
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(layers())
def test_any_layer(to_numpy, drawn):
    arguments, options, shape = drawn
    plain, ours = pair(*arguments, channels=shape[-1], **options)
    check(plain, ours, values(shape, 5), to_numpy)


def test_outside_training_the_gradients_are_the_backends(to_numpy):
    plain, ours = pair(3, 3, 2)
    check(plain, ours, values((2, 4, 3, 2)), to_numpy, training=False)


@pytest.mark.skipif(BACKEND != "jax", reason="Only JAX has `jvp`.")
def test_outside_training_jax_has_forward_derivatives(to_numpy):
    import jax

    plain, ours = pair(3, 3, 2)
    x, v = values((2, 1, 4, 3, 2))
    for one, other in zip(
        *(jax.jvp(layer, (x,), (v,)) for layer in (plain, ours)), strict=True
    ):
        np.testing.assert_allclose(one, other, 1e-5, 1e-5)
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(lambda x: ours(x, training=True), (x,), (v,))


@pytest.mark.parametrize("policy", strided.POLICIES)
def test_mixed_precision(policy, to_numpy):
    layers = pair(3, 3, strides=2, padding="same", dtype=policy)
    strided.check_policy(*layers, policy, to_numpy)


@pytest.mark.parametrize(
    "options",
    [
        {"dilation_rate": 2},
        {"strides": 2, "use_bias": False, "activation": "relu"},
    ],
    ids=str,
)
def test_other_arguments(options, to_numpy):
    plain, ours = pair(3, 3, **options)
    x = values((2, 4, 3, 2))
    np.testing.assert_allclose(
        to_numpy(ours(x)), to_numpy(plain(x)), 1e-5, 1e-5
    )


@pytest.mark.skipif(
    BACKEND != "tensorflow", reason="Other backends know the batch's size."
)
def test_batches_of_unknown_size(to_numpy):
    import tensorflow as tf

    plain, ours = pair(3, 3, 2)
    signature = [tf.TensorSpec((None, 4, 3, 2))]

    @tf.function(input_signature=signature)
    def gradient(x):
        return tf.gradients(ours(x, training=True), x)[0]

    x = values((2, 4, 3, 2))
    with tf.GradientTape() as tape:
        watched = tf.constant(x)
        tape.watch(watched)
        outputs = plain(watched)
    expected = tape.gradient(outputs, watched)
    np.testing.assert_allclose(gradient(x), expected, 1e-5, 1e-5)


@pytest.mark.parametrize(
    ("method", "called"),
    [("subpixel", True), ("direct", False), ("auto", BACKEND == "jax")],
)
def test_the_method_decides(method, called, monkeypatch):
    calls = []

    def spy(*arguments, **options):
        calls.append(options)
        return transposed_convolution(*arguments, **options)

    monkeypatch.setattr(conv2d_transpose, "transposed_convolution", spy)
    layer = Conv2DTranspose(2, 3, method=method)
    layer(values((1, 3, 3, 1)))
    layer(values((1, 3, 3, 1)), training=True)
    expected = [{"by_hand": False}, {"by_hand": True}] if called else []
    assert calls == expected


# --- Saving -----------------------------------------------------------------


@pytest.mark.once
def test_config_is_keras_own():
    options = {"strides": 2, "padding": "same", "name": "up", "use_bias": False}
    plain, ours = pair(3, 4, **options)
    assert ours.get_config() == plain.get_config()
    copy = Conv2DTranspose.from_config(plain.get_config())
    assert copy.get_config() == plain.get_config()
    assert copy.method == "auto"
    names = [[w.path for w in layer.weights] for layer in (plain, ours)]
    assert names[0] == names[1]


def model_of(cls):
    x = keras.Input((3, 3, 2))
    h = cls(3, 3, strides=2, padding="same")(x)
    return keras.Model(x, cls(1, 4, activation="tanh")(h))


@pytest.mark.parametrize(
    "saved", [keras.layers.Conv2DTranspose, Conv2DTranspose]
)
def test_each_class_loads_the_others_weights(saved, tmp_path, to_numpy):
    other = {keras.layers.Conv2DTranspose, Conv2DTranspose} - {saved}
    one, two = model_of(saved), model_of(other.pop())
    one.save_weights(tmp_path / "model.weights.h5")
    two.load_weights(tmp_path / "model.weights.h5")
    x = values((2, 3, 3, 2))
    expected = to_numpy(one(x))
    np.testing.assert_allclose(to_numpy(two(x)), expected, 1e-5, 1e-5)
    one.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.layers[1]) is saved
    np.testing.assert_array_equal(to_numpy(loaded(x)), expected)


# --- In the decoder ---------------------------------------------------------


def test_the_decoder_uses_it(to_numpy):
    decoder = conv_decoder(4, (7, 6, 1), filters=(3, 2), seed=0)
    layers = [one for one in decoder.layers if "conv" in one.name]
    assert [type(one) for one in layers] == [Conv2DTranspose] * 2
    z = values((2, 4))
    outputs = []
    for method in ("direct", "subpixel"):
        for layer in layers:
            layer.method = method
        outputs.append(to_numpy(decoder(z)))
    np.testing.assert_allclose(*outputs, 1e-5, 1e-5)


@pytest.mark.slow
@pytest.mark.once
def test_exports_are_those_of_keras_layer(tmp_path):
    """Byte for byte, with a ConvTranspose for each."""
    onnx = pytest.importorskip("onnx", reason="It reads what was exported.")
    import keras_vae_export
    from keras_vae import VAE, networks

    files, weights = [], None
    ours = conv_decoder(3, (8, 8, 1), (4, 3), seed=0)
    plain = keras.models.clone_model(ours, clone_function=as_plain)
    for kind, decoder in (("ours", ours), ("plain", plain)):
        encoder = networks.mlp_encoder((8, 8, 1), (4,), seed=0)
        vae = VAE(encoder, decoder, name="one", seed=0)
        weights = weights or vae.get_weights()
        vae.set_weights(weights)
        path = keras_vae_export.export(vae, tmp_path / kind)
        files.append(path / "onnx" / "decode.onnx")
    nodes = [node.op_type for node in onnx.load(files[0]).graph.node]
    assert nodes.count("ConvTranspose") == 2
    assert files[0].read_bytes() == files[1].read_bytes()


def as_plain(layer):
    if isinstance(layer, Conv2DTranspose):
        return keras.layers.Conv2DTranspose.from_config(layer.get_config())
    return layer.__class__.from_config(layer.get_config())
