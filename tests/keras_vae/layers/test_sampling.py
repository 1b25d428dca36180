"""The reparameterisation layer."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vae.distributions import Bernoulli
from keras_vae.layers import Sampling

LOC = np.float32([[1, 2, 3], [-1, -2, -3]])
SCALE = np.float32([[1, 0.5, 0.1], [1, 2, 3]])


def draw(layer):
    return ops.convert_to_numpy(layer((LOC, SCALE)))


def test_two_calls_draw_different_noise():
    layer = Sampling(seed=0)
    assert (draw(layer) != draw(layer)).all()


def test_the_same_seed_starts_the_same():
    first, second = Sampling(seed=3), Sampling(seed=3)
    for _ in range(2):
        np.testing.assert_array_equal(draw(first), draw(second))
    assert (draw(Sampling(seed=4)) != draw(Sampling(seed=3))).all()


def test_without_a_seed_each_layer_starts_elsewhere():
    assert (draw(Sampling()) != draw(Sampling())).all()


def test_noise_is_shifted_and_scaled():
    with_unit = Sampling(seed=1)((np.zeros_like(LOC), np.ones_like(SCALE)))
    expected = LOC + SCALE * ops.convert_to_numpy(with_unit)
    np.testing.assert_allclose(draw(Sampling(seed=1)), expected, 1e-6)


def test_noise_is_standard_normal():
    layer = Sampling(seed=0)
    z = layer((np.zeros((4000, 3), "float32"), np.ones((4000, 3), "float32")))
    z = ops.convert_to_numpy(z)
    np.testing.assert_array_less(np.abs(z.mean(axis=0)), 5 / np.sqrt(4000))
    np.testing.assert_array_less(
        np.abs(z.var(axis=0) - 1), 5 * np.sqrt(2 / 4000)
    )


def test_any_distribution_may_be_drawn_from():
    layer = Sampling(seed=0)
    draws = layer.sample(Bernoulli(np.zeros((2, 50), "float32")), 3)
    draws = ops.convert_to_numpy(draws)
    assert draws.shape == (3, 2, 50)
    assert set(np.unique(draws)) == {0, 1}


def test_config_round_trip():
    layer = Sampling(seed=5, name="noise")
    other = Sampling.from_config(layer.get_config())
    assert other.get_config() == layer.get_config()
    assert layer.get_config()["seed"] == 5
    np.testing.assert_array_equal(draw(other), draw(layer))


def test_a_saved_layer_goes_on_where_it_stood(tmp_path):
    loc, scale = keras.Input((3,)), keras.Input((3,))
    model = keras.Model([loc, scale], Sampling(seed=0)((loc, scale)))
    assert model.output_shape == (None, 3)
    model([LOC, SCALE])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for _ in range(2):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(loaded([LOC, SCALE])),
            ops.convert_to_numpy(model([LOC, SCALE])),
        )


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_it_computes_in_float32_under_mixed_precision(policy):
    keras.config.set_dtype_policy(policy)
    layer = Sampling(seed=0)
    half = policy.removeprefix("mixed_")
    sample = layer((ops.cast(LOC, half), ops.cast(SCALE, half)))
    assert keras.backend.standardize_dtype(sample.dtype) == "float32"


def test_it_has_a_generator_and_no_weights():
    layer = Sampling(seed=0)
    assert layer.weights == []
    assert [v.name for v in layer.variables] == ["seed_generator_state"]


def test_gradients_reach_the_parameters():
    """The sample is differentiable: one Dense learns its mean through it."""
    inputs = keras.Input((1,))
    loc = keras.layers.Dense(1, use_bias=False)(inputs)
    z = Sampling(seed=0)((loc, 0.01 * ops.ones_like(loc)))
    model = keras.Model(inputs, z)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    x = np.ones((64, 1), "float32")
    model.fit(x, 3 * x, epochs=20, verbose=0)
    assert float(model.get_weights()[0][0, 0]) == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("seed", [0, 7, 2**31 - 1, np.int64(3)])
def test_every_backend_takes_these_seeds(seed):
    layer = Sampling(seed=seed)
    assert np.isfinite(draw(layer)).all()
    assert type(layer.get_config()["seed"]) is int


@pytest.mark.parametrize(
    ("seed", "error"),
    [
        (-1, ValueError),
        (2**31, ValueError),
        (1.5, TypeError),
        ("a", TypeError),
        (True, TypeError),
    ],
)
def test_other_seeds_are_errors(seed, error):
    message = (
        "`seed` must be an integer from 0 to 2\\^31 - 1 or None. Received: "
        f"seed={seed!r} .*`seed=0`"
    )
    with pytest.raises(error, match=message):
        Sampling(seed=seed)
