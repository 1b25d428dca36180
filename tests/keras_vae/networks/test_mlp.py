import doctest

import keras
import numpy as np
import pytest

from keras_vae.networks import mlp, mlp_decoder, mlp_encoder


@pytest.mark.parametrize("input_shape", [(5,), (8, 8, 1), (3, 4), (2, 3, 2, 2)])
@pytest.mark.parametrize("hidden_dims", [(), (6,), [7, 3]])
def test_encoder_flattens_any_shape(input_shape, hidden_dims):
    encoder = mlp_encoder(input_shape, hidden_dims)
    width = hidden_dims[-1] if hidden_dims else int(np.prod(input_shape))
    assert encoder.input_shape == (None, *input_shape)
    assert encoder.output_shape == (None, width)
    assert encoder(np.ones((2, *input_shape), "float32")).shape == (2, width)


@pytest.mark.once
@pytest.mark.parametrize("hidden_dims", [(), (6,), [7, 3]])
def test_decoder_shapes(hidden_dims):
    decoder = mlp_decoder(4, hidden_dims)
    width = hidden_dims[-1] if hidden_dims else 4
    assert decoder.input_shape == (None, 4)
    assert decoder.output_shape == (None, width)


def test_without_hidden_layers_features_are_the_input():
    x = np.arange(12, dtype="float32").reshape(2, 2, 3)
    features = keras.ops.convert_to_numpy(mlp_encoder((2, 3), ())(x))
    np.testing.assert_array_equal(features, x.reshape(2, 6))
    z = x.reshape(2, 6)
    features = keras.ops.convert_to_numpy(mlp_decoder(6, ())(z))
    np.testing.assert_array_equal(features, z)


def test_layers_compute_what_dense_layers_compute():
    encoder = mlp_encoder((2, 2), (3, 2), activation="tanh")
    x = np.random.default_rng(0).normal(size=(5, 2, 2)).astype("float32")
    expected = x.reshape(5, 4)
    for layer in encoder.layers[2:]:
        kernel, bias = layer.get_weights()
        expected = np.tanh(expected @ kernel + bias)
    features = keras.ops.convert_to_numpy(encoder(x))
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.once
@pytest.mark.parametrize("bad", [784, "784", None, (8, 8.0), (8, None)])
def test_encoder_needs_a_shape_of_integers(bad):
    with pytest.raises(TypeError, match=r"`input_shape.*mlp_encoder\(\(28"):
        mlp_encoder(bad)


@pytest.mark.once
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ((), "must have at least one axis"),
        ((8, 0), r"`input_shape\[1\]` must be a positive integer"),
    ],
)
def test_encoder_needs_a_shape_with_room(bad, message):
    with pytest.raises(ValueError, match=message):
        mlp_encoder(bad)


@pytest.mark.once
@pytest.mark.parametrize(
    ("bad", "error"),
    [(0, ValueError), (-2, ValueError), (2.0, TypeError), ("2", TypeError)],
)
def test_decoder_needs_a_latent_dim(bad, error):
    with pytest.raises(error, match=r"`latent_dim` must.*latent_dim=16"):
        mlp_decoder(bad)


@pytest.mark.once
@pytest.mark.parametrize(
    ("bad", "error"), [(400, TypeError), ((4, -1), ValueError)]
)
def test_hidden_dims_are_positive_integers(bad, error):
    for build in (lambda: mlp_encoder((4,), bad), lambda: mlp_decoder(4, bad)):
        with pytest.raises(
            error, match=r"`hidden_dims.*`hidden_dims=\(400,\)`"
        ):
            build()


@pytest.mark.once
def test_examples_in_the_docstrings():
    results = doctest.testmod(mlp)
    assert results.attempted > 0
    assert results.failed == 0
