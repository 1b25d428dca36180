"""pythae: its VAE and its BaseTrainer, with the same networks."""

import logging
import math
import tempfile

import numpy as np
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig

from contenders import torch_networks as networks
from contenders.cases import BATCH_SIZE, LEARNING_RATE, one_by_one

LATENTS_AT_ONCE = 1000

logging.disable(logging.INFO)


class Encoder(BaseEncoder):
    """The encoder as pythae wants it.

    Args:
        case: What is trained.
        bound: Function of the logarithm of the scale, or `None`.
    """

    def __init__(self, case, bound=None):
        super().__init__()
        self.network = networks.encoder(case)
        self.bound = bound

    def forward(self, x):
        """Returns the mean and the logarithm of the variance."""
        mean, log_scale = self.network(x).chunk(2, dim=-1)
        if self.bound is not None:
            log_scale = self.bound(log_scale)
        return ModelOutput(embedding=mean, log_covariance=2.0 * log_scale)


class Decoder(BaseDecoder):
    """The decoder as pythae wants it: its loss takes probabilities."""

    def __init__(self, case):
        super().__init__()
        self.network = networks.decoder(case)

    def forward(self, z):
        """Returns the mean image."""
        return ModelOutput(reconstruction=torch.sigmoid(self.network(z)))


def build(case, bound=None):
    """Returns the VAE."""
    config = VAEConfig(
        input_dim=(1, 28, 28),
        latent_dim=case.latent_dim,
        reconstruction_loss="bce",
    )
    return VAE(config, Encoder(case, bound), Decoder(case))


def make(case, x):
    """Returns what trains on the first images of x, and its size."""
    torch.manual_seed(0)
    vae = build(case)
    images = torch.from_numpy(x).permute(0, 3, 1, 2).contiguous()
    trainers = {}

    def run(num_images):
        if num_images not in trainers:
            trainers[num_images] = trainer(vae, images[:num_images])
        return trainers[num_images].train_step(epoch=1)

    return one_by_one(run), networks.count(vae)


def trainer(vae, images):
    """Returns a trainer that stands before its first epoch."""
    config = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATE,
    )
    dataset = BaseDataset(images, torch.zeros(len(images)))
    found = BaseTrainer(vae, dataset, training_config=config)
    found.prepare_training()
    return found


def bounded(log_scale):
    """Bounds the scale as `keras_vae.posteriors.DiagonalNormal` does."""
    limit = 2.0 / math.pi * 7.0
    return limit * torch.arctan(log_scale / limit)


def score(case, x, weights, num_samples):
    """Returns what estimates log p(x) of the first images of x.

    The caller corrects what `get_nll` does: it returns +log p(x), under the
    name of its negative; averages over the images, so they are passed one by
    one; keeps the gradients; and draws whole batches of latents alone, so
    their size divides the number of samples.

    Args:
        case: What is built, an MLP.
        x: Array `(num_examples, 28, 28, 1)`.
        weights: Path of the `.npz` file that `ours` wrote.
        num_samples: Integer, K.
    """
    vae = build(case, bounded)
    with np.load(weights) as file:
        values = [file[f"arr_{index}"] for index in range(len(file.files))]
    with torch.no_grad():
        parameters = *vae.encoder.parameters(), *vae.decoder.parameters()
        for parameter, value in zip(parameters, values, strict=True):
            parameter.copy_(torch.from_numpy(value.T))
    images = torch.from_numpy(x).permute(0, 3, 1, 2).contiguous()
    batch_size = math.gcd(num_samples, LATENTS_AT_ONCE)

    def run(num_images):
        with torch.no_grad():
            return [
                float(vae.get_nll(image[None], num_samples, batch_size))
                for image in images[:num_images]
            ]

    return run, None
