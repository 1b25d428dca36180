"""Likelihoods (observation models) p(x|z)."""

from keras_vae.likelihoods.bernoulli import Bernoulli
from keras_vae.likelihoods.beta import Beta
from keras_vae.likelihoods.categorical import Categorical
from keras_vae.likelihoods.continuous_bernoulli import ContinuousBernoulli
from keras_vae.likelihoods.discretized_logistic import DiscretizedLogistic
from keras_vae.likelihoods.joint import Joint
from keras_vae.likelihoods.laplace import Laplace
from keras_vae.likelihoods.likelihood import Likelihood, registry
from keras_vae.likelihoods.log_normal import LogNormal
from keras_vae.likelihoods.mean import LikelihoodMean
from keras_vae.likelihoods.mixture_of_discretized_logistics import (
    MixtureOfDiscretizedLogistics,
)
from keras_vae.likelihoods.negative_binomial import NegativeBinomial
from keras_vae.likelihoods.normal import Normal
from keras_vae.likelihoods.poisson import Poisson
from keras_vae.likelihoods.student_t import StudentT
from keras_vae.likelihoods.zero_inflated_negative_binomial import (
    ZeroInflatedNegativeBinomial,
)

__all__ = [
    "Bernoulli",
    "Beta",
    "Categorical",
    "ContinuousBernoulli",
    "DiscretizedLogistic",
    "Joint",
    "Laplace",
    "Likelihood",
    "LikelihoodMean",
    "LogNormal",
    "MixtureOfDiscretizedLogistics",
    "NegativeBinomial",
    "Normal",
    "Poisson",
    "StudentT",
    "ZeroInflatedNegativeBinomial",
    "registry",
]
