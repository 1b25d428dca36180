"""Layers that the parts are made of."""

from keras_vae.layers.parameter_head import ParameterHead
from keras_vae.layers.sampling import Sampling

__all__ = ["ParameterHead", "Sampling"]
