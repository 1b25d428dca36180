"""Likelihoods (observation models) p(x|z)."""

from keras_vae.likelihoods.bernoulli import Bernoulli
from keras_vae.likelihoods.likelihood import Likelihood, registry
from keras_vae.likelihoods.mean import LikelihoodMean
from keras_vae.likelihoods.normal import Normal

__all__ = ["Bernoulli", "Likelihood", "LikelihoodMean", "Normal", "registry"]
