"""Pyro: SVI with the analytic KL, and the same networks."""

import pyro
import pyro.distributions as dist
import torch
from pyro.infer import SVI, TraceMeanField_ELBO

from contenders import torch_networks as networks
from contenders.cases import BATCH_SIZE, LEARNING_RATE, one_by_one


def make(case, x):
    """Returns what trains on the first images of x, and its size."""
    pyro.set_rng_seed(0)
    pyro.enable_validation(False)
    pyro.clear_param_store()
    encoder = networks.encoder(case).to(networks.device())
    decoder = networks.decoder(case).to(networks.device())
    data = networks.images(x, case)

    def model(batch):
        pyro.module("decoder", decoder)
        with pyro.plate("data", len(batch)):
            zeros = batch.new_zeros(len(batch), case.latent_dim)
            prior = dist.Normal(zeros, torch.ones_like(zeros)).to_event(1)
            z = pyro.sample("z", prior)
            logits = decoder(z).flatten(1)
            likelihood = dist.Bernoulli(logits=logits).to_event(1)
            pyro.sample("x", likelihood, obs=batch.flatten(1))

    def guide(batch):
        pyro.module("encoder", encoder)
        with pyro.plate("data", len(batch)):
            mean, log_scale = encoder(batch).chunk(2, dim=-1)
            posterior = dist.Normal(mean, log_scale.exp()).to_event(1)
            pyro.sample("z", posterior)

    optimizer = pyro.optim.Adam({"lr": LEARNING_RATE})
    svi = SVI(model, guide, optimizer, loss=TraceMeanField_ELBO())

    def run(num_images):
        order = torch.randperm(num_images, device=data.device)
        total = 0.0
        for rows in order.split(BATCH_SIZE):
            total += svi.step(data.index_select(0, rows))
        return total / num_images

    return one_by_one(run), networks.count(encoder, decoder)
