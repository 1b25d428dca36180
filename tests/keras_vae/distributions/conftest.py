"""Gradients on any backend."""

import keras
import numpy as np
import pytest


def _tensorflow(function, x):
    import tensorflow as tf

    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x).numpy()


def _jax(function, x):
    import jax

    return np.asarray(jax.grad(function)(x))


def _torch(function, x):
    import torch

    x = torch.tensor(x, requires_grad=True)
    function(x).backward()
    return x.grad.numpy()


@pytest.fixture
def gradient_of():
    """The gradient of a scalar function of one array."""
    return {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[
        keras.backend.backend()
    ]
