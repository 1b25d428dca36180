"""Networks in 16 bits: what is scaled, what stays float32, what is saved.

`test_optimizers.py` trains under the global policy.
"""

import keras
import numpy as np
import pytest

import keras_vae
from keras_vae import networks

LossScaleOptimizer = keras.optimizers.LossScaleOptimizer
SHAPE = (4, 4, 1)


@keras.saving.register_keras_serializable(package="keras_vae_tests")
class NaNGradientAtZero(keras.layers.Layer):
    """Finite going forward; its gradient is 0 / 0 where the input is 0."""

    def call(self, x):
        return x + keras.ops.sqrt(keras.ops.abs(x))


def mlp(dtype):
    return (
        networks.mlp_encoder(SHAPE, (8,), dtype=dtype, seed=0),
        networks.mlp_decoder(2, (8,), dtype=dtype, seed=0),
    )


def conv(dtype):
    return (
        networks.conv_encoder(SHAPE, (4,), dtype=dtype, seed=0),
        networks.conv_decoder(2, SHAPE, (4,), dtype=dtype, seed=0),
    )


def build(dtype, kind=mlp, **options):
    """A VAE whose networks alone have a precision of their own."""
    keras.utils.set_random_seed(0)
    return keras_vae.VAE(*kind(dtype), seed=0, **options)


def dtype_of(tensor):
    return keras.backend.standardize_dtype(tensor.dtype)


def arrays(variables):
    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables]


def assert_equal(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("dtype", "scaled"),
    [
        (None, False),
        ("mixed_bfloat16", False),
        ("mixed_float16", True),
        (keras.DTypePolicy("mixed_float16"), True),
    ],
    ids=str,
)
def test_the_loss_is_scaled_where_any_network_needs_it(dtype, scaled):
    """Keras asks the VAE's own policy alone, which is float32 here."""
    vae = build(dtype)
    vae.compile("adam")
    assert vae.dtype_policy.name == "float32"
    assert isinstance(vae.optimizer, LossScaleOptimizer) == scaled
    inner = vae.optimizer.inner_optimizer if scaled else vae.optimizer
    assert isinstance(inner, keras.optimizers.Adam)
    vae.compile("adam", auto_scale_loss=False)
    assert isinstance(vae.optimizer, keras.optimizers.Adam)


def test_an_optimizer_that_scales_already_is_left_alone():
    vae = build("mixed_float16")
    optimizer = LossScaleOptimizer(keras.optimizers.SGD(0.1), 2.0**10)
    vae.compile(optimizer)
    assert vae.optimizer is optimizer


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "half"), [(mlp, "mixed_float16"), (conv, "mixed_bfloat16")]
)
def test_half_precision_trains_as_float32_does(images, kind, half):
    """From the same weights, in the same order and with the same noise."""
    elbos = {}
    for dtype in (None, half):
        vae = build(dtype, kind)
        optimizer = keras.optimizers.Adam(0.01)
        if dtype == "mixed_float16":
            # Keras starts at 2^15, which costs the first steps their update.
            optimizer = LossScaleOptimizer(optimizer, initial_scale=2.0**8)
        vae.compile(optimizer)
        logs = vae.fit(images, batch_size=16, epochs=6, verbose=0).history
        assert {v.dtype for v in vae.trainable_variables} == {"float32"}
        assert (int(vae.training_step), int(vae.nonfinite_steps)) == (18, 0)
        elbos[dtype] = np.array(logs["elbo"])
        assert elbos[dtype][-1] > elbos[dtype][0] + 0.5
    np.testing.assert_allclose(elbos[half], elbos[None], atol=0.1)


def test_distributions_are_float32(images):
    vae = build("mixed_bfloat16")
    assert dtype_of(vae.encoder(images)) == "bfloat16"
    posterior = vae.encode(images)
    z = vae.sampling.sample(posterior)
    assert dtype_of(vae.decoder(z)) == "bfloat16"
    found = [posterior.loc, posterior.scale, z, vae.decode(z).logits]
    found += [*vae.compute_elbo(images)]
    assert {dtype_of(one) for one in found} == {"float32"}
    assert vae.generate(2, seed=0).dtype == "float32"


def test_an_overflow_lowers_the_scale_and_nothing_else(images):
    vae = build("mixed_float16")
    optimizer = LossScaleOptimizer(keras.optimizers.Adam(), 2.0**40)
    vae.compile(optimizer)
    weights = arrays(vae.trainable_variables)
    inner = arrays(optimizer.inner_optimizer.variables)
    vae.train_on_batch(images)
    assert float(optimizer.dynamic_scale) == 2.0**39
    assert_equal(weights, arrays(vae.trainable_variables))
    assert_equal(inner, arrays(optimizer.inner_optimizer.variables))
    assert int(vae.nonfinite_steps) == 0


@pytest.mark.parametrize("check_every", [None, 4])
def test_gradients_that_no_scale_mends_stop_training(make_vae, check_every):
    """Else every step would be skipped, and none of them counted."""
    vae = make_vae(encoder_layers=[NaNGradientAtZero()])
    optimizer = LossScaleOptimizer(keras.optimizers.SGD(0.1), 4.0)
    vae.compile(optimizer, check_every=check_every)
    weights = arrays(vae.trainable_variables)
    with pytest.raises(
        FloatingPointError,
        match=r"Received: a loss scale of 0\.\d+, .*mixed_bfloat16",
    ):
        vae.fit(np.zeros((16, *SHAPE), "float32"), batch_size=4, verbose=0)
    assert_equal(weights, arrays(vae.trainable_variables))


def test_a_small_scale_of_the_users_own_is_no_fault(images):
    vae = build("mixed_float16")
    optimizer = LossScaleOptimizer(keras.optimizers.SGD(0.1), 0.25)
    vae.compile(optimizer)
    vae.fit(images, verbose=0)
    assert float(optimizer.dynamic_scale) == 0.25


def test_precision_and_scale_come_back(images, tmp_path):
    vae = build("mixed_float16")
    vae.compile("adam")
    vae.fit(images, batch_size=16, verbose=0)
    vae.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras")
    assert dtype_of(loaded.encoder(images)) == "float16"
    assert isinstance(loaded.optimizer, LossScaleOptimizer)
    assert_equal(
        arrays(vae.optimizer.variables), arrays(loaded.optimizer.variables)
    )
    first, second = (
        arrays(one.compute_elbo(images, seed=0)) for one in (vae, loaded)
    )
    assert_equal(first, second)
    loaded.fit(images, verbose=0)
