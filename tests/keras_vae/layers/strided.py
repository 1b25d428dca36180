"""Strided layers of Keras beside ours: their outputs and gradients."""

import keras
import numpy as np
from keras import ops

BACKEND = keras.backend.backend()
POLICIES = ["mixed_float16", "mixed_bfloat16"]


def values(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def pair(classes, *arguments, channels=2, **options):
    """Keras's layer and ours by phases, of the same weights."""
    plain = classes[0](*arguments, **options)
    ours = classes[1](*arguments, **options, method="subpixel")
    for layer in (plain, ours):
        layer.build((None, 9, 9, channels))
        weights = layer.get_weights()
        layer.set_weights([values(w.shape, i) for i, w in enumerate(weights)])
    return plain, ours


def outputs_and_gradients(layer, x, weight, **training):
    """The outputs; gradients of sum(weight * outputs^2) by x and weights."""

    def loss(x):
        outputs = layer(x, **training)
        squares = ops.square(ops.cast(outputs, "float32"))
        return ops.sum(weight * squares), outputs

    x, weight = ops.convert_to_tensor(x), ops.convert_to_tensor(weight)
    weights = [layer.kernel.value, layer.bias.value]
    if BACKEND == "jax":
        import jax

        def stateless(x, *values):
            pairs = zip((layer.kernel, layer.bias), values, strict=True)
            with keras.StatelessScope(state_mapping=list(pairs)):
                return loss(x)

        # Compiled as a whole: else each operation is compiled for itself.
        function = jax.jit(jax.grad(stateless, (0, 1, 2), has_aux=True))
        gradients, outputs = function(x, *weights)
    elif BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            value, outputs = loss(x)
        gradients = tape.gradient(value, [x, *weights])
    else:
        x.requires_grad_()
        layer.zero_grad()
        value, outputs = loss(x)
        value.backward()
        gradients = [one.grad for one in (x, *weights)]
    return outputs, *gradients


def check(plain, ours, x, to_numpy, tolerance=1e-5, training=True):
    shape = plain.compute_output_shape(x.shape)
    weight = values(shape, 7)
    wanted = to_numpy(outputs_and_gradients(plain, x, weight))
    found = outputs_and_gradients(ours, x, weight, training=training)
    for one, other in zip(to_numpy(found), wanted, strict=True):
        assert one.shape == other.shape
        error = np.max(np.abs(one - other)) / max(np.max(np.abs(other)), 1e-3)
        assert error < tolerance
    np.testing.assert_allclose(
        to_numpy(found[0]), wanted[0], tolerance, tolerance
    )


def check_policy(plain, ours, policy, to_numpy):
    """Checks the dtypes and the outputs of layers in 16 bits."""
    x = values((2, 4, 3, 2))
    outputs = ours(x, training=True)
    compute = keras.dtype_policies.get(policy).compute_dtype
    assert keras.backend.standardize_dtype(outputs.dtype) == compute
    assert ours.kernel.dtype == "float32"
    expected = to_numpy(ops.cast(plain(x), "float32"))
    found = to_numpy(ops.cast(outputs, "float32"))
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.1)
