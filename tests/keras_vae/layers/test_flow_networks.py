"""Masked layers, and the networks of autoregressive steps and couplings."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vae import layers
from keras_vae.testing.config import check_arguments


def values(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def autoregressive(dim=5, hidden_dims=(11, 7), backwards=False):
    network = layers.AutoregressiveNetwork(dim, hidden_dims, backwards)
    network.build((None, dim), (None, 3))
    weights = [values(w.shape, seed=1) for w in network.get_weights()]
    network.set_weights(weights)
    return network


def outputs(network, z, context):
    return np.stack([ops.convert_to_numpy(one) for one in network(z, context)])


def test_a_masked_dense_is_a_dense_without_some_connections():
    layer = layers.MaskedDense([[1, 0], [1, 1], [0, 1]])
    x = values((4, 3))
    y = ops.convert_to_numpy(layer(x))
    kernel, bias = layer.get_weights()
    kernel = kernel * [[1, 0], [1, 1], [0, 1]]
    np.testing.assert_allclose(y, x @ kernel + bias, 1e-5, 1e-6)
    assert layer.compute_output_shape((None, 3)) == (None, 2)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("dim", [1, 2, 5])
def test_outputs_see_the_elements_before_them_and_all_of_the_context(
    dim, backwards
):
    network = autoregressive(dim, backwards=backwards)
    z, context = values((1, dim)), values((1, 3), seed=2)
    before = outputs(network, z, context)
    for j in range(dim):
        moved = z.copy()
        moved[0, j] += 1
        changed = (outputs(network, moved, context) != before).any(0)[0]
        later = np.arange(dim) < j if backwards else np.arange(dim) > j
        np.testing.assert_array_equal(changed, later)
    assert (outputs(network, z, context + 1) != before).all()


def test_the_scale_of_an_autoregressive_step_is_bounded():
    network = autoregressive()
    for size in (0.0, 1e3, 1e6):
        s = ops.convert_to_numpy(
            network(size * values((9, 5)), values((9, 3)))[1]
        )
        assert (np.abs(s - 1.5) <= 7.0).all()


def test_a_coupling_network_starts_at_zero_and_is_bounded():
    network = layers.CouplingNetwork((8,))
    shift, log_scale = network(values((4, 3)))
    assert not ops.convert_to_numpy(shift).any()
    assert not ops.convert_to_numpy(log_scale).any()
    network.set_weights([1e3 * np.ones(w.shape) for w in network.get_weights()])
    log_scale = ops.convert_to_numpy(network(values((4, 3)))[1])
    assert (np.abs(log_scale) <= 2.0).all()
    assert np.abs(log_scale).max() > 1.9


LAYERS = {
    "masked_dense": (
        lambda: layers.MaskedDense([[1, 0], [1, 1]]),
        [(4, 2)],
    ),
    "autoregressive_network": (
        lambda: layers.AutoregressiveNetwork(2, (6,), backwards=True),
        [(4, 2), (4, 3)],
    ),
    "coupling_network": (lambda: layers.CouplingNetwork((6, 4)), [(4, 2)]),
}


@pytest.mark.parametrize("name", LAYERS)
def test_config_round_trip(name):
    make, shapes = LAYERS[name]
    layer, inputs = make(), [values(shape) for shape in shapes]
    first = layer(*inputs)
    check_arguments(layer)
    other = type(layer).from_config(layer.get_config())
    assert other.get_config() == layer.get_config()
    other(*inputs)
    other.set_weights(layer.get_weights())
    for ours, theirs in zip(
        keras.tree.flatten(first),
        keras.tree.flatten(other(*inputs)),
        strict=True,
    ):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs)
        )


@pytest.mark.parametrize("name", ["autoregressive_network", "coupling_network"])
def test_float32_under_mixed_precision(name):
    keras.config.set_dtype_policy("mixed_float16")
    make, shapes = LAYERS[name]
    one = make()(*[values(shape).astype("float16") for shape in shapes])[0]
    assert keras.backend.standardize_dtype(one.dtype) == "float32"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: layers.MaskedDense([1, 0]),
            ValueError,
            r"`mask` must be a matrix.*shape \(2,\)",
        ),
        (
            lambda: layers.MaskedDense([[1], [0]])(values((2, 3))),
            ValueError,
            "`inputs` must have 2 elements, the rows of the mask",
        ),
        (
            lambda: layers.AutoregressiveNetwork(0),
            ValueError,
            "`dim` must be a positive integer. Received: dim=0",
        ),
        (
            lambda: layers.AutoregressiveNetwork(2, ()),
            ValueError,
            r"`hidden_dims` must be a sequence.*Received: hidden_dims=\(\)",
        ),
        (
            lambda: layers.CouplingNetwork(8),
            ValueError,
            "`hidden_dims` must be a sequence.*Received: hidden_dims=8",
        ),
        (
            lambda: layers.CouplingNetwork((8, 0)),
            ValueError,
            "`hidden_dims` must be a positive integer. Received: hidden_dims=0",
        ),
        (
            lambda: layers.CouplingNetwork((8.5,)),
            TypeError,
            "Received: hidden_dims=8.5",
        ),
    ],
)
def test_what_does_not_fit_is_an_error(make, error, message):
    with pytest.raises(error, match=message):
        make()
