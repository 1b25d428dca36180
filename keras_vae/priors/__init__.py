"""Priors p(z)."""

from keras_vae.priors.bernoulli import Bernoulli
from keras_vae.priors.categorical import Categorical
from keras_vae.priors.gaussian_mixture import GaussianMixture
from keras_vae.priors.learned_normal import LearnedNormal
from keras_vae.priors.prior import Prior, registry
from keras_vae.priors.real_nvp import RealNVP
from keras_vae.priors.standard_normal import StandardNormal
from keras_vae.priors.uniform_sphere import UniformSphere
from keras_vae.priors.vamp import VampPrior

__all__ = [
    "Bernoulli",
    "Categorical",
    "GaussianMixture",
    "LearnedNormal",
    "Prior",
    "RealNVP",
    "StandardNormal",
    "UniformSphere",
    "VampPrior",
    "registry",
]
