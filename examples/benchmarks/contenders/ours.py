"""keras_vae: `fit` on the backend that Keras is set to."""

import math
import pathlib
import statistics

import keras
import numpy as np

from contenders.cases import (
    BATCH_SIZE,
    DENSE_DIM,
    HIDDEN_DIM,
    SHAPE,
)
from contenders.cases import LEARNING_RATE as RATE
from keras_vae import VAE, networks, objectives


def build(case, objective="elbo"):
    """Returns the VAE, not yet compiled."""
    if case.name == "mlp":
        hidden = (HIDDEN_DIM,)
        encoder = networks.mlp_encoder(SHAPE, hidden)
        decoder = networks.mlp_decoder(case.latent_dim, hidden)
    else:
        encoder = networks.conv_encoder(SHAPE, hidden_dims=(DENSE_DIM,))
        decoder = networks.conv_decoder(case.latent_dim, SHAPE)
    return VAE(encoder, decoder, objective=objective)


def make(case, x, objective="elbo", **options):
    """Returns what trains on the first images of x, and its size.

    Args:
        case: What to build.
        x: Array `(num_examples, 28, 28, 1)`.
        objective: Part of the VAE.
        **options: Further arguments of `compile`.
    """
    vae = build(case, objective)
    vae.compile(keras.optimizers.Adam(RATE), **options)

    def run(num_images, epochs):
        history = vae.fit(
            x[:num_images], batch_size=BATCH_SIZE, epochs=epochs, verbose=0
        )
        return statistics.fmean(history.history["loss"])

    weights = vae.trainable_variables
    return run, sum(math.prod(weight.shape) for weight in weights)


def make_plain(case, x):
    """As `make`, on the path that Keras itself would take."""
    return make(case, x, fast_path=False)


def make_iwae(case, x, num_samples):
    """As `make`, with the importance-weighted bound of k samples."""
    return make(case, x, objectives.IWAE(num_samples=num_samples))


def score(case, x, weights, num_samples):
    """Returns what estimates log p(x) of the first images of x.

    Args:
        case: What to build.
        x: Array `(num_examples, 28, 28, 1)`.
        weights: Path of an `.npz` file of weights. Where it does not exist
            yet, the VAE is trained for an epoch first, and writes it.
        num_samples: Integer, K.
    """
    vae = build(case)
    parts = (vae.encoder, vae.posterior, vae.decoder, vae.likelihood)
    if not pathlib.Path(weights).exists():
        vae.compile(keras.optimizers.Adam(RATE))
        vae.fit(x, batch_size=BATCH_SIZE, epochs=1, verbose=0)
        np.savez(weights, *(w for part in parts for w in part.get_weights()))
    with np.load(weights) as file:
        values = [file[f"arr_{index}"] for index in range(len(file.files))]
    for part in parts:
        count = len(part.weights)
        part.set_weights(values[:count])
        values = values[count:]

    def run(num_images):
        found = vae.marginal_log_likelihood(x[:num_images], num_samples)
        return keras.ops.convert_to_numpy(found).tolist()

    return run, None
