import doctest

import keras
import numpy as np
import pytest

from keras_vae.networks import conv, conv_decoder, conv_encoder

SIZES = [(28, 28), (32, 32), (8, 8), (1, 1), (3, 5), (7, 12), (2, 9), (64, 61)]


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.once
@pytest.mark.parametrize("size", SIZES)
def test_features_have_the_size_of_the_image(size):
    decoder = conv_decoder(5, (*size, 3), filters=(4, 3))
    assert decoder.output_shape == (None, *size, 3)
    encoder = conv_encoder((*size, 3), filters=(3, 4))
    quarter = [-(-dim // 4) for dim in size]
    assert encoder.output_shape == (None, quarter[0] * quarter[1] * 4)


@pytest.mark.once
def test_three_stages_for_large_images():
    decoder = conv_decoder(5, (64, 64, 3), filters=(4, 3, 2))
    assert decoder.get_layer("reshape").output.shape == (None, 8, 8, 4)
    assert decoder.output_shape == (None, 64, 64, 2)


@pytest.mark.parametrize(
    ("size", "kernel_size"),
    [
        *((size, 3) for size in SIZES),
        *((size, k) for size in ((5, 8), (8, 12)) for k in (2, 4, 5)),
    ],
)
def test_decoder_mirrors_the_encoder(size, kernel_size):
    """Stage by stage, the decoder is the adjoint of the encoder."""
    shape = (*size, 2)
    options = {"filters": (2, 2), "kernel_size": kernel_size}
    encoder = conv_encoder(shape, **options, activation=None)
    decoder = conv_decoder(4, shape, **options, activation=None)
    for index in (0, 1):
        kernel, _ = encoder.get_layer(f"conv_{index}").get_weights()
        transposed = decoder.get_layer(f"conv_transpose_{1 - index}")
        transposed.set_weights([kernel, np.zeros(2)])
    convolved = keras.Model(encoder.input, encoder.get_layer("conv_1").output)
    mirrored = keras.Model(decoder.get_layer("reshape").output, decoder.output)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, *shape)).astype("float32")
    y = rng.normal(size=(3, *convolved.output_shape[1:])).astype("float32")
    # <A x, y> = <x, A* y>
    forward = np.sum(to_numpy(convolved(x)) * y, axis=(1, 2, 3))
    backward = np.sum(x * to_numpy(mirrored(y)), axis=(1, 2, 3))
    np.testing.assert_allclose(forward, backward, rtol=1e-4, atol=1e-4)


@pytest.mark.once
def test_hidden_dims_stand_between_z_and_the_convolutions():
    encoder = conv_encoder((8, 8, 1), (2, 3), hidden_dims=(7, 6))
    assert encoder.output_shape == (None, 6)
    decoder = conv_decoder(4, (8, 8, 1), (3, 2), hidden_dims=(6, 7))
    widths = [decoder.get_layer(f"dense_{i}").units for i in range(3)]
    assert widths == [6, 7, 2 * 2 * 3]


def test_image_data_format_changes_nothing():
    x = np.random.default_rng(0).random((2, 5, 7, 3)).astype("float32")
    z = np.ones((2, 4), "float32")

    def build():
        encoder = conv_encoder((5, 7, 3), (2, 3), seed=1)
        decoder = conv_decoder(4, (5, 7, 3), (3, 2), seed=1)
        return to_numpy(encoder(x)), to_numpy(decoder(z))

    expected = build()
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        found = build()
    finally:
        keras.config.set_image_data_format(before)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="Keras writes ONNX through tf2onnx on the TensorFlow backend only.",
)
def test_sizes_survive_the_way_to_onnx(tmp_path):
    onnxruntime = pytest.importorskip(
        "onnxruntime", reason="The exported file needs a runtime to run in."
    )
    decoder = conv_decoder(4, (5, 8, 1), filters=(3, 2))
    z = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    expected = to_numpy(decoder(z))
    path = str(tmp_path / "decoder.onnx")
    decoder.export(path, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path)
    (output,) = session.get_outputs()
    assert output.shape[1:] == [5, 8, 2]
    (found,) = session.run(None, {session.get_inputs()[0].name: z})
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.once
@pytest.mark.parametrize("shape", [(28, 28), (28,), (2, 8, 8, 1), ()])
def test_images_have_three_axes(shape):
    for name, build in (
        ("input_shape", lambda: conv_encoder(shape)),
        ("output_shape", lambda: conv_decoder(4, shape)),
    ):
        with pytest.raises(ValueError, match=rf"`{name}` must be \(height.*28"):
            build()


@pytest.mark.once
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"filters": ()}, ValueError, "`filters` must name .* at least one"),
        ({"filters": (4, 0)}, ValueError, r"`filters\[1\]`.*`filters=\("),
        ({"filters": 32}, TypeError, "`filters` must be a tuple"),
        ({"kernel_size": 1}, ValueError, "`kernel_size`.* the stride, 2"),
        ({"kernel_size": 0}, ValueError, "`kernel_size` must be a positive"),
        ({"kernel_size": (3, 3)}, TypeError, "`kernel_size=3`"),
        ({"hidden_dims": (-1,)}, ValueError, r"`hidden_dims\[0\]`.*\(128,\)"),
        ({"activation": "rely"}, ValueError, "rely"),
        ({"seed": 1.5}, TypeError, "`seed` must be an integer"),
    ],
    ids=str,
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        conv_encoder((8, 8, 1), **arguments)
    with pytest.raises(error, match=message):
        conv_decoder(4, (8, 8, 1), **arguments)


@pytest.mark.once
@pytest.mark.parametrize("bad", [0, -1])
def test_decoder_needs_a_latent_dim(bad):
    with pytest.raises(ValueError, match=f"`latent_dim` must.*={bad}"):
        conv_decoder(bad, (8, 8, 1))


@pytest.mark.once
def test_examples_in_the_docstrings():
    results = doctest.testmod(conv)
    assert results.attempted > 0
    assert results.failed == 0
