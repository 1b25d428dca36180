"""Distributions: log_prob, sample, mean, mode, entropy; KL closed forms."""

from keras_vae.distributions.bernoulli import Bernoulli
from keras_vae.distributions.distribution import Distribution
from keras_vae.distributions.kl import kl_divergence, register_kl
from keras_vae.distributions.normal import Normal

__all__ = [
    "Bernoulli",
    "Distribution",
    "Normal",
    "kl_divergence",
    "register_kl",
]
