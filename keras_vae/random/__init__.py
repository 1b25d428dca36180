"""Reproducible random numbers: one seed gives the same latents everywhere."""

from keras_vae.random.components import choose, thresholds
from keras_vae.random.threefry import (
    blocks,
    normals,
    normals_for_seeds,
    uniform_bits,
    uniform_bits_for_seeds,
)

__all__ = [
    "blocks",
    "choose",
    "normals",
    "normals_for_seeds",
    "thresholds",
    "uniform_bits",
    "uniform_bits_for_seeds",
]
