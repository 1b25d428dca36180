"""Variational autoencoders for Keras 3.

Train on TensorFlow, JAX or PyTorch; prove, export and serve.
"""

import importlib
from typing import Any

from keras_vae import (
    distributions,
    layers,
    likelihoods,
    networks,
    objectives,
    posteriors,
    priors,
    random,
)
from keras_vae.models import VAE, ConditionalVAE
from keras_vae.trainers import enable_determinism
from keras_vae.version import __version__

_LAZY = ("datasets", "evaluation", "testing", "visualization")

__all__ = [
    "VAE",
    "ConditionalVAE",
    "__version__",
    "datasets",
    "distributions",
    "enable_determinism",
    "evaluation",
    "layers",
    "likelihoods",
    "networks",
    "objectives",
    "posteriors",
    "priors",
    "random",
    "testing",
    "visualization",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"keras_vae.{name}")
    raise AttributeError(f"module 'keras_vae' has no attribute {name!r}")
