"""The networks in plain JAX: functions of a list of kernels and biases."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from contenders.cases import (
    DENSE_DIM,
    FILTERS,
    HIDDEN_DIM,
    KERNEL_SIZE,
    SHAPE,
    SMALL,
    STRIDE,
)

LAYOUT = ("NHWC", "HWIO", "NHWC")


def initial(*shapes):
    """Returns a kernel, Glorot uniform, and a bias for each shape."""
    rng = np.random.default_rng(0)
    weights = []
    for shape in shapes:
        area = math.prod(shape[:-2])
        limit = math.sqrt(6.0 / (area * (shape[-2] + shape[-1])))
        kernel = rng.uniform(-limit, limit, shape)
        weights.append((jnp.float32(kernel), jnp.zeros(shape[-1])))
    return weights


def initial_encoder(case):
    """Returns the encoder's weights."""
    if case.name == "mlp":
        sizes = (math.prod(SHAPE), HIDDEN_DIM, 2 * case.latent_dim)
        return initial(*zip(sizes[:-1], sizes[1:], strict=True))
    few, many = FILTERS
    square = (KERNEL_SIZE, KERNEL_SIZE)
    return initial(
        (*square, SHAPE[-1], few),
        (*square, few, many),
        (math.prod(SMALL) * many, DENSE_DIM),
        (DENSE_DIM, 2 * case.latent_dim),
    )


def initial_decoder(case):
    """Returns the decoder's weights."""
    if case.name == "mlp":
        sizes = (case.latent_dim, HIDDEN_DIM, math.prod(SHAPE))
        return initial(*zip(sizes[:-1], sizes[1:], strict=True))
    few, many = FILTERS
    square = (KERNEL_SIZE, KERNEL_SIZE)
    return initial(
        (case.latent_dim, math.prod(SMALL) * many),
        (*square, many, many),
        (*square, many, few),
        (few, SHAPE[-1]),
    )


def encode(case, weights, x):
    """Returns the posterior's mean and the logarithm of its scale.

    Args:
        case: What is trained.
        weights: From `initial_encoder`.
        x: Array `(batch, 784)`.
    """
    if case.name == "conv":
        x = x.reshape(-1, *SHAPE)
        for kernel, bias in weights[:2]:
            x = jax.lax.conv_general_dilated(
                x, kernel, (STRIDE, STRIDE), "SAME", dimension_numbers=LAYOUT
            )
            x = jax.nn.relu(x + bias)
        x = x.reshape(x.shape[0], -1)
    (kernel, bias), (last_kernel, last_bias) = weights[-2:]
    hidden = jax.nn.relu(x @ kernel + bias)
    return jnp.split(hidden @ last_kernel + last_bias, 2, axis=-1)


def decode(case, weights, z):
    """Returns the logits, `(batch, 784)`.

    Args:
        case: What is trained.
        weights: From `initial_decoder`.
        z: Array `(batch, latent_dim)`.
    """
    kernel, bias = weights[0]
    hidden = jax.nn.relu(z @ kernel + bias)
    if case.name == "conv":
        hidden = hidden.reshape(-1, *SMALL, FILTERS[-1])
        for kernel, bias in weights[1:3]:
            hidden = jax.lax.conv_transpose(
                hidden,
                kernel,
                (STRIDE, STRIDE),
                "SAME",
                dimension_numbers=LAYOUT,
            )
            hidden = jax.nn.relu(hidden + bias)
    kernel, bias = weights[-1]
    return (hidden @ kernel + bias).reshape(z.shape[0], -1)


def count(weights):
    """Number of parameters."""
    return sum(one.size for one in jax.tree.leaves(weights))
