"""Functions of arrays as training runs them: compiled, where a backend can.

A compiler may fuse and reorder what the functions keep exact, and it is far
faster than JAX op by op.
"""

import keras
import numpy as np


def run(function, *arrays):
    """The NumPy value of `function(*arrays)`."""
    return keras.ops.convert_to_numpy(_compiled(function)(*_tensors(arrays)))


def slope(function, x, *others):
    """The gradient of the sum of `function(x, *others)` by `x`."""
    backend = keras.backend.backend()
    return _GRADIENTS[backend](function, *_tensors((x, *others)))


def _tensors(arrays):
    return [keras.ops.convert_to_tensor(one) for one in arrays]


def _compiled(function):
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=True, autograph=False)
    return function


def _jax(function, *arrays):
    import jax

    def total(*arrays):
        return keras.ops.sum(function(*arrays))

    return np.asarray(jax.jit(jax.grad(total))(*arrays))


def _tensorflow(function, *arrays):
    import tensorflow as tf

    def gradient(x, *others):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = keras.ops.sum(function(x, *others))
        # No path may lead back to x.
        zero = tf.UnconnectedGradients.ZERO
        return tape.gradient(y, x, unconnected_gradients=zero)

    return _compiled(gradient)(*arrays).numpy()


def _torch(function, x, *others):
    x = x.clone().requires_grad_(True)
    y = keras.ops.sum(function(x, *others))
    if not y.requires_grad:  # No path leads back to x.
        return np.zeros(x.shape, "float32")
    y.backward()
    return x.grad.numpy()


_GRADIENTS = {"jax": _jax, "tensorflow": _tensorflow, "torch": _torch}
