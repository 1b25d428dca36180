"""Priors p(z)."""

from keras_vae.priors.prior import Prior, registry
from keras_vae.priors.standard_normal import StandardNormal

__all__ = ["Prior", "StandardNormal", "registry"]
