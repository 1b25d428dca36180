"""What every builder keeps to."""

import json

import keras
import numpy as np
import pytest

from keras_vae import layers, networks

BUILDERS = {
    "mlp_encoder": lambda **options: networks.mlp_encoder(
        (5, 6, 1), (7, 4), **options
    ),
    "mlp_decoder": lambda **options: networks.mlp_decoder(3, (4, 7), **options),
    "conv_encoder": lambda **options: networks.conv_encoder(
        (5, 6, 1), (2, 3), hidden_dims=(4,), **options
    ),
    "conv_decoder": lambda **options: networks.conv_decoder(
        3, (5, 6, 1), (3, 2), hidden_dims=(4,), **options
    ),
}
every_builder = pytest.mark.parametrize("kind", BUILDERS)


@keras.saving.register_keras_serializable(package="keras_vae_tests")
def doubled_tanh(x):
    return 2 * keras.ops.tanh(x)


def random_input(model):
    shape = (4, *model.input_shape[1:])
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def outputs(model, value):
    return keras.ops.convert_to_numpy(model(value)).astype("float32")


@pytest.mark.once
def test_every_builder_is_tested():
    assert sorted(BUILDERS) == sorted(networks.__all__)


@every_builder
def test_models_are_functional_and_of_plain_layers(kind):
    model = BUILDERS[kind]()
    assert isinstance(model, keras.Model)
    assert len(model.inputs) == len(model.outputs) == 1
    for layer in model.layers:
        name = type(layer).__name__
        ours = getattr(layers, name, None)
        assert type(layer) in (getattr(keras.layers, name), ours)
        assert not isinstance(layer, keras.layers.Lambda)


@pytest.mark.once
@every_builder
def test_names_are_stable(kind):
    first = [layer.name for layer in BUILDERS[kind]().layers]
    model = BUILDERS[kind]()
    assert [layer.name for layer in model.layers] == first
    assert model.name == kind
    assert BUILDERS[kind](name="mine").name == "mine"


@every_builder
@pytest.mark.parametrize("activation", ["tanh", doubled_tanh, None])
def test_saving_keeps_everything(kind, activation, tmp_path):
    model = BUILDERS[kind](activation=activation, seed=3)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert json.loads(loaded.to_json()) == json.loads(model.to_json())
    value = random_input(model)
    np.testing.assert_array_equal(outputs(loaded, value), outputs(model, value))


@pytest.mark.once
@every_builder
@pytest.mark.parametrize("activation", ["tanh", doubled_tanh])
def test_activation_is_used(kind, activation):
    model = BUILDERS[kind](activation=activation)
    used = [
        layer.activation for layer in model.layers if hasattr(layer, "kernel")
    ]
    assert used
    assert set(used) == {keras.activations.get(activation)}


@every_builder
def test_every_weight_reaches_the_output(kind):
    model = BUILDERS[kind](activation="tanh", seed=0)
    value = random_input(model)
    before = outputs(model, value)
    assert np.ptp(before, axis=0).min() > 0  # no output ignores the input
    for weight in model.trainable_weights:
        original = keras.ops.convert_to_numpy(weight)
        weight.assign(original + 0.1)
        assert np.abs(outputs(model, value) - before).max() > 1e-4, weight.path
        weight.assign(original)


@every_builder
def test_a_seed_gives_the_same_weights(kind):
    first, same, other = (
        BUILDERS[kind](seed=seed).get_weights() for seed in (-5, -5, 2**62)
    )
    for one, equal, different in zip(first, same, other, strict=True):
        np.testing.assert_array_equal(one, equal)
        if one.ndim > 1:
            assert np.all(one != different)


def test_layers_of_one_seed_draw_their_own_weights():
    encoder = networks.mlp_encoder((6,), (6, 6), seed=7)
    decoder = networks.mlp_decoder(6, (6, 6), seed=7)
    kernels = [
        weight
        for model in (encoder, decoder)
        for weight in model.get_weights()
        if weight.ndim > 1
    ]
    assert len(np.unique([kernel[0, 0] for kernel in kernels])) == 4


@every_builder
def test_without_a_seed_keras_decides(kind):
    keras.utils.set_random_seed(1)
    first, second = BUILDERS[kind]().get_weights(), BUILDERS[kind]()
    keras.utils.set_random_seed(1)
    again = BUILDERS[kind]().get_weights()
    for one, repeated in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, repeated)
    assert np.any(first[0] != second.get_weights()[0])


@every_builder
def test_mixed_precision(kind):
    by_argument = BUILDERS[kind](dtype="mixed_float16")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        by_policy = BUILDERS[kind]()
    finally:
        keras.config.set_dtype_policy(before)
    for model in (by_argument, by_policy):
        features = model(random_input(model))
        assert keras.backend.standardize_dtype(features.dtype) == "float16"
        dtypes = {weight.dtype for weight in model.trainable_weights}
        assert dtypes == {"float32"}
