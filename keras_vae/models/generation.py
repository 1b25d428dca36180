"""Generation from the prior by the seeded stream."""

import math
import secrets
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vae.likelihoods import LikelihoodMean
from keras_vae.models import conditions
from keras_vae.priors import Prior
from keras_vae.random import threefry
from keras_vae.validation import require

_BATCH = 256


def build_generator(vae: Any) -> keras.Model:
    """Builds the functional model from z to the likelihood's mean."""
    z = keras.Input((vae.latent_dim,), dtype="float32", name="z")
    inputs, features = z, None
    if vae.condition_dim is None:
        features = vae.decoder(z)
    else:
        size = (vae.condition_dim,)
        condition = keras.Input(size, dtype="float32", name="condition")
        inputs = {"z": z, "condition": condition}
        features = vae.decoder(conditions.paired(vae.decoder, z, condition))
    outputs = LikelihoodMean(vae.likelihood, name="mean")(features)
    return keras.Model(inputs, outputs, name="generator")


def draw_latents(
    prior: Prior, num_samples: int, seed: int | None, temperature: float
) -> np.ndarray:
    """Draws latents from the prior by the seeded stream.

    Args:
        prior: Built `Prior`.
        num_samples: Integer, at least 0.
        seed: 64-bit integer, or `None` for a fresh one.
        temperature: Non-negative float that scales the standard normals.

    Returns:
        Float32 array `(num_samples, latent_dim)`.
    """
    require(
        isinstance(temperature, (int, float, np.floating))
        and math.isfinite(temperature)
        and temperature >= 0,
        "`temperature` must be a finite number of at least 0. Received: "
        f"temperature={temperature!r}. Pass e.g. `temperature=1.0`.",
    )
    if seed is None:
        seed = secrets.randbits(63)
    normals = threefry.normals(
        num_samples, prior.num_normals, seed, temperature=float(temperature)
    )
    bits = threefry.uniform_bits(num_samples, prior.num_uniforms, seed)
    z = prior.from_noise(normals, bits)
    return np.asarray(ops.convert_to_numpy(z), dtype="float32")


def decode_in_batches(
    generator: keras.Model, inputs: Any, num_samples: int
) -> np.ndarray:
    """Runs the generator on `num_samples` latents, a batch at a time."""
    if num_samples == 0:
        return np.zeros((0, *generator.output_shape[1:]), dtype="float32")
    return generator.predict(inputs, batch_size=_BATCH, verbose=0)
