"""Reproducible random numbers: one seed gives the same latents everywhere."""

from keras_vae.random.components import choose, choose_each, thresholds
from keras_vae.random.threefry import (
    blocks,
    normals,
    normals_for_seeds,
    uniform_bits,
    uniform_bits_for_seeds,
    uniform_floats,
)

__all__ = [
    "blocks",
    "choose",
    "choose_each",
    "normals",
    "normals_for_seeds",
    "thresholds",
    "uniform_bits",
    "uniform_bits_for_seeds",
    "uniform_floats",
]
