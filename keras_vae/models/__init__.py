"""Models."""

from keras_vae.models.conditional import ConditionalVAE
from keras_vae.models.vae import VAE

__all__ = ["VAE", "ConditionalVAE"]
