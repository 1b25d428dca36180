"""Objectives: what training minimises."""

from keras_vae.objectives import schedules
from keras_vae.objectives.elbo import ELBO, elbo_terms
from keras_vae.objectives.objective import (
    ELBOTerms,
    Evidence,
    Objective,
    registry,
)

__all__ = [
    "ELBO",
    "ELBOTerms",
    "Evidence",
    "Objective",
    "elbo_terms",
    "registry",
    "schedules",
]
