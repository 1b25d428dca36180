"""The networks in plain PyTorch, for every contender that is built on it."""

import math

import torch
from torch import nn

from contenders.cases import (
    DENSE_DIM,
    FILTERS,
    HIDDEN_DIM,
    KERNEL_SIZE,
    SHAPE,
    SMALL,
    STRIDE,
)

HEIGHT, WIDTH, CHANNELS = SHAPE
PIXELS = math.prod(SHAPE)
FEW, MANY = FILTERS


def encoder(case):
    """Returns a module from images `(batch, 1, 28, 28)` to the posterior.

    What comes out is `(batch, 2 * latent_dim)`: the mean and the logarithm
    of the scale, to be split.
    """
    if case.name == "mlp":
        features = (nn.Flatten(), nn.Linear(PIXELS, HIDDEN_DIM), nn.ReLU())
        return nn.Sequential(
            *features, nn.Linear(HIDDEN_DIM, 2 * case.latent_dim)
        )
    options = {"stride": STRIDE, "padding": 1}
    return nn.Sequential(
        nn.Conv2d(CHANNELS, FEW, KERNEL_SIZE, **options),
        nn.ReLU(),
        nn.Conv2d(FEW, MANY, KERNEL_SIZE, **options),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(math.prod(SMALL) * MANY, DENSE_DIM),
        nn.ReLU(),
        nn.Linear(DENSE_DIM, 2 * case.latent_dim),
    )


def decoder(case):
    """Returns a module from `(batch, latent_dim)` to logits.

    They are `(batch, 784)` from the MLP, `(batch, 1, 28, 28)` from the
    convolutions.
    """
    if case.name == "mlp":
        return nn.Sequential(
            nn.Linear(case.latent_dim, HIDDEN_DIM),
            nn.ReLU(),
            nn.Linear(HIDDEN_DIM, PIXELS),
        )
    options = {"stride": STRIDE, "padding": 1, "output_padding": 1}
    return nn.Sequential(
        nn.Linear(case.latent_dim, math.prod(SMALL) * MANY),
        nn.ReLU(),
        nn.Unflatten(1, (MANY, *SMALL)),
        nn.ConvTranspose2d(MANY, MANY, KERNEL_SIZE, **options),
        nn.ReLU(),
        nn.ConvTranspose2d(MANY, FEW, KERNEL_SIZE, **options),
        nn.ReLU(),
        nn.Conv2d(FEW, CHANNELS, 1),
    )


def device():
    """Returns the GPU, or the processor where there is none."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def images(x, case):
    """Puts images on the device, channels first."""
    tensor = torch.from_numpy(x).permute(0, 3, 1, 2).contiguous()
    return tensor.to(device())


def count(*modules):
    """Number of parameters."""
    return sum(p.numel() for module in modules for p in module.parameters())
