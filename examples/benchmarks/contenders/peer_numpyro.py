"""NumPyro: SVI with the analytic KL, and the same networks."""

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from numpyro.infer import SVI, TraceMeanField_ELBO

from contenders import jax_networks as networks
from contenders.cases import BATCH_SIZE, LEARNING_RATE, one_by_one


def make(case, x):
    """Returns what trains on the first images of x, and its size."""
    data = jax.device_put(x.reshape(len(x), -1))
    weights = networks.initial_encoder(case), networks.initial_decoder(case)

    def model(batch):
        decoder = numpyro.param("decoder", weights[1])
        with numpyro.plate("data", len(batch)):
            zeros = jnp.zeros((len(batch), case.latent_dim))
            z = numpyro.sample("z", dist.Normal(zeros, 1.0).to_event(1))
            logits = networks.decode(case, decoder, z)
            likelihood = dist.Bernoulli(logits=logits).to_event(1)
            numpyro.sample("x", likelihood, obs=batch)

    def guide(batch):
        encoder = numpyro.param("encoder", weights[0])
        mean, log_scale = networks.encode(case, encoder, batch)
        with numpyro.plate("data", len(batch)):
            posterior = dist.Normal(mean, jnp.exp(log_scale)).to_event(1)
            numpyro.sample("z", posterior)

    optimizer = numpyro.optim.Adam(LEARNING_RATE)
    svi = SVI(model, guide, optimizer, loss=TraceMeanField_ELBO())
    state = svi.init(jax.random.key(0), data[:BATCH_SIZE])

    def step(index, carry, data, order):
        state, total = carry
        start = index * BATCH_SIZE
        rows = jax.lax.dynamic_slice_in_dim(order, start, BATCH_SIZE)
        state, loss = svi.update(state, data[rows])
        return state, total + loss

    # As in NumPyro's own example, an epoch is one loop on the device.
    @jax.jit
    def epoch(carry, data, order):
        return jax.lax.fori_loop(
            0,
            len(order) // BATCH_SIZE,
            lambda index, carry: step(index, carry, data, order),
            carry,
        )

    jitted_step = jax.jit(step)

    # On a processor such a loop runs convolutions on one thread.
    def steps(carry, data, order):
        for index in range(len(order) // BATCH_SIZE):
            carry = jitted_step(index, carry, data, order)
        return carry

    train = epoch if case.name == "mlp" else steps

    def run(num_images):
        nonlocal state
        order = jax.random.permutation(state.rng_key, num_images)
        state, total = train((state, 0.0), data, order)
        return float(total) / num_images

    return one_by_one(run), networks.count(weights)
