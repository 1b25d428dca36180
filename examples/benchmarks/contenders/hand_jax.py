"""A loop in plain JAX: one jitted step, the data on the device."""

import jax
import jax.numpy as jnp

from contenders import jax_networks as networks
from contenders.cases import BATCH_SIZE, LEARNING_RATE, one_by_one


def negative_elbo(case, weights, x, key):
    """Mean over the batch, in nats."""
    encoder, decoder = weights
    mean, log_scale = networks.encode(case, encoder, x)
    scale = jnp.exp(log_scale)
    z = mean + scale * jax.random.normal(key, mean.shape)
    logits = networks.decode(case, decoder, z)
    # -log p(x|z) = softplus(logits) - x logits
    cross_entropy = jnp.sum(jax.nn.softplus(logits) - x * logits)
    kl = jnp.sum(0.5 * (mean**2 + scale**2 - 1.0) - log_scale)
    return (cross_entropy + kl) / x.shape[0]


def adam(weights, gradients, moments, step):
    """One update; Kingma & Ba, 2015, algorithm 1."""
    first, second = moments
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
    second = jax.tree.map(
        lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients
    )
    rate = LEARNING_RATE * jnp.sqrt(1.0 - 0.999**step) / (1.0 - 0.9**step)
    weights = jax.tree.map(
        lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-7),
        weights,
        first,
        second,
    )
    return weights, (first, second)


def make(case, x):
    """Returns what trains on the first images of x, and its size."""
    weights = networks.initial_encoder(case), networks.initial_decoder(case)
    zeros = jax.tree.map(jnp.zeros_like, weights)
    moments = zeros, jax.tree.map(jnp.zeros_like, weights)
    data = jax.device_put(x.reshape(len(x), -1))

    def step(state, data, order, index):
        weights, moments, count, key, total = state
        start = index * BATCH_SIZE
        rows = jax.lax.dynamic_slice_in_dim(order, start, BATCH_SIZE)
        key, noise = jax.random.split(key)
        loss, gradients = jax.value_and_grad(
            lambda w: negative_elbo(case, w, data[rows], noise)
        )(weights)
        count = count + 1
        weights, moments = adam(weights, gradients, moments, count)
        return weights, moments, count, key, total + loss

    step = jax.jit(step, donate_argnums=0)
    state = (weights, moments, jnp.float32(0), jax.random.key(0))

    def run(num_images):
        nonlocal state
        order = jax.random.permutation(state[3], num_images)
        steps = num_images // BATCH_SIZE
        now = (*state, jnp.float32(0))
        for index in range(steps):
            now = step(now, data, order, index)
        *state, total = now
        return float(total) / steps

    return one_by_one(run), networks.count(weights)
