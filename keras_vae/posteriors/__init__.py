"""Approximate posteriors q(z|x)."""

from keras_vae.posteriors.binary_concrete import BinaryConcrete
from keras_vae.posteriors.concrete import Concrete
from keras_vae.posteriors.diagonal_normal import DiagonalNormal
from keras_vae.posteriors.full_normal import FullNormal
from keras_vae.posteriors.householder_flow import HouseholderFlow
from keras_vae.posteriors.inverse_autoregressive_flow import (
    InverseAutoregressiveFlow,
)
from keras_vae.posteriors.planar_flow import PlanarFlow
from keras_vae.posteriors.posterior import Posterior, registry
from keras_vae.posteriors.radial_flow import RadialFlow
from keras_vae.posteriors.von_mises_fisher import VonMisesFisher

__all__ = [
    "BinaryConcrete",
    "Concrete",
    "DiagonalNormal",
    "FullNormal",
    "HouseholderFlow",
    "InverseAutoregressiveFlow",
    "PlanarFlow",
    "Posterior",
    "RadialFlow",
    "VonMisesFisher",
    "registry",
]
