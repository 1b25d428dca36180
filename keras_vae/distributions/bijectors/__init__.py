"""Invertible maps with their log-determinants."""

from keras_vae.distributions.bijectors.affine_coupling import AffineCoupling
from keras_vae.distributions.bijectors.bijector import Bijector
from keras_vae.distributions.bijectors.inverse_autoregressive import (
    InverseAutoregressive,
)
from keras_vae.distributions.bijectors.planar import Planar
from keras_vae.distributions.bijectors.radial import Radial

__all__ = [
    "AffineCoupling",
    "Bijector",
    "InverseAutoregressive",
    "Planar",
    "Radial",
]
