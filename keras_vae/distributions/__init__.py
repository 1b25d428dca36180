"""Distributions: log_prob, sample, mean, mode, entropy; KL closed forms."""

from keras_vae.distributions.bernoulli import Bernoulli
from keras_vae.distributions.beta import Beta
from keras_vae.distributions.categorical import Categorical
from keras_vae.distributions.continuous_bernoulli import ContinuousBernoulli
from keras_vae.distributions.discretized_logistic import DiscretizedLogistic
from keras_vae.distributions.distribution import Distribution
from keras_vae.distributions.householder_normal import HouseholderNormal
from keras_vae.distributions.joint import Joint
from keras_vae.distributions.kl import kl_divergence, register_kl
from keras_vae.distributions.laplace import Laplace
from keras_vae.distributions.log_normal import LogNormal
from keras_vae.distributions.mixture import Mixture
from keras_vae.distributions.mixture_of_discretized_logistics import (
    MixtureOfDiscretizedLogistics,
)
from keras_vae.distributions.multivariate_normal import MultivariateNormal
from keras_vae.distributions.negative_binomial import NegativeBinomial
from keras_vae.distributions.normal import Normal
from keras_vae.distributions.one_hot_categorical import OneHotCategorical
from keras_vae.distributions.poisson import Poisson
from keras_vae.distributions.relaxed_bernoulli import RelaxedBernoulli
from keras_vae.distributions.relaxed_categorical import RelaxedCategorical
from keras_vae.distributions.straight_through_bernoulli import (
    StraightThroughBernoulli,
)
from keras_vae.distributions.straight_through_categorical import (
    StraightThroughCategorical,
)
from keras_vae.distributions.student_t import StudentT
from keras_vae.distributions.transformed import Transformed
from keras_vae.distributions.uniform_sphere import UniformSphere
from keras_vae.distributions.von_mises_fisher import VonMisesFisher
from keras_vae.distributions.zero_inflated_negative_binomial import (
    ZeroInflatedNegativeBinomial,
)

__all__ = [
    "Bernoulli",
    "Beta",
    "Categorical",
    "ContinuousBernoulli",
    "DiscretizedLogistic",
    "Distribution",
    "HouseholderNormal",
    "Joint",
    "Laplace",
    "LogNormal",
    "Mixture",
    "MixtureOfDiscretizedLogistics",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "OneHotCategorical",
    "Poisson",
    "RelaxedBernoulli",
    "RelaxedCategorical",
    "StraightThroughBernoulli",
    "StraightThroughCategorical",
    "StudentT",
    "Transformed",
    "UniformSphere",
    "VonMisesFisher",
    "ZeroInflatedNegativeBinomial",
    "kl_divergence",
    "register_kl",
]
