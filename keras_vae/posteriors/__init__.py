"""Approximate posteriors q(z|x)."""

from keras_vae.posteriors.diagonal_normal import DiagonalNormal
from keras_vae.posteriors.posterior import Posterior, registry

__all__ = ["DiagonalNormal", "Posterior", "registry"]
