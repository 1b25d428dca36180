"""A loop in plain PyTorch: eager, the fused loss and the fused Adam."""

import torch
from torch.nn import functional

from contenders import torch_networks as networks
from contenders.cases import BATCH_SIZE, LEARNING_RATE, one_by_one


def make(case, x):
    """Returns what trains on the first images of x, and its size."""
    torch.manual_seed(0)
    encoder = networks.encoder(case).to(networks.device())
    decoder = networks.decoder(case).to(networks.device())
    parameters = [*encoder.parameters(), *decoder.parameters()]
    adam = torch.optim.Adam(parameters, lr=LEARNING_RATE, fused=True)
    data = networks.images(x, case)

    def negative_elbo(batch):
        mean, log_scale = encoder(batch).chunk(2, dim=-1)
        scale = log_scale.exp()
        z = torch.addcmul(mean, scale, torch.randn_like(mean))
        cross_entropy = functional.binary_cross_entropy_with_logits(
            decoder(z).view(batch.shape), batch, reduction="sum"
        )
        kl = (0.5 * (mean**2 + scale**2 - 1.0) - log_scale).sum()
        return (cross_entropy + kl) / len(batch)

    def run(num_images):
        order = torch.randperm(num_images, device=data.device)
        total = torch.zeros((), device=data.device)
        for rows in order.split(BATCH_SIZE):
            loss = negative_elbo(data.index_select(0, rows))
            adam.zero_grad(set_to_none=True)
            loss.backward()
            adam.step()
            total += loss.detach()
        return total.item() * BATCH_SIZE / num_images

    return one_by_one(run), networks.count(encoder, decoder)
