import keras
import numpy as np
import pytest

from keras_vae_export import precision


def test_the_policy_is_put_back():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        with pytest.raises(ValueError, match="planted"):
            with precision.float32_policy():
                assert keras.config.dtype_policy().name == "float32"
                raise ValueError("planted")
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("kind", ["mlp_bernoulli", "conv_odd_normal"])
@pytest.mark.parametrize("dtype", ["mixed_float16", "bfloat16", "float64"])
def test_a_copy_in_float32(kind, dtype, make_kind):
    vae = make_kind(kind, dtype=dtype)
    assert not precision.is_float32(vae)
    copy = precision.as_float32(vae)
    assert precision.is_float32(copy)
    weights = zip(copy.get_weights(), vae.get_weights(), strict=True)
    for copied, original in weights:
        assert copied.dtype == "float32" or original.dtype == copied.dtype
        np.testing.assert_array_equal(copied, original.astype(copied.dtype))


def test_float32_is_not_copied(make_kind):
    vae = make_kind("batch_norm")
    assert precision.is_float32(vae)
    assert precision.as_float32(vae) is vae


@keras.saving.register_keras_serializable(package="test_precision")
class Subclassed(keras.Model):
    """Makes its layer itself, under whatever the global policy is."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(4)

    def build(self, input_shape):
        self.dense.build(input_shape)
        self.built = True

    def call(self, z):
        return self.dense(z)


def test_a_network_that_takes_the_global_policy(make_kind):
    keras.config.set_dtype_policy("mixed_bfloat16")
    decoder = Subclassed()
    decoder.build((None, 3))
    vae = make_kind(decoder=decoder)
    assert not precision.is_float32(vae)
    copy = precision.as_float32(vae)
    assert precision.is_float32(copy)
    z = np.ones((2, 3), "float32")
    x = [keras.ops.convert_to_numpy(one.generator(z)) for one in (vae, copy)]
    np.testing.assert_allclose(*x, atol=0.02)
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
