"""Objectives: what training minimises."""

from keras_vae.objectives import schedules
from keras_vae.objectives.ciwae import CIWAE
from keras_vae.objectives.elbo import ELBO, elbo_terms
from keras_vae.objectives.iwae import IWAE
from keras_vae.objectives.miwae import MIWAE
from keras_vae.objectives.objective import (
    ELBOTerms,
    Evidence,
    Objective,
    registry,
)
from keras_vae.objectives.piwae import PIWAE
from keras_vae.objectives.score_function import ScoreFunction
from keras_vae.objectives.vimco import VIMCO

__all__ = [
    "CIWAE",
    "ELBO",
    "ELBOTerms",
    "Evidence",
    "IWAE",
    "MIWAE",
    "Objective",
    "PIWAE",
    "ScoreFunction",
    "VIMCO",
    "elbo_terms",
    "registry",
    "schedules",
]
