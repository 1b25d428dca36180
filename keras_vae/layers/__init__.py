"""Layers that the parts are made of."""

from keras_vae.layers.autoregressive_network import AutoregressiveNetwork
from keras_vae.layers.conv2d import Conv2D
from keras_vae.layers.conv2d_transpose import Conv2DTranspose
from keras_vae.layers.coupling_network import CouplingNetwork
from keras_vae.layers.masked_dense import MaskedDense
from keras_vae.layers.parameter_head import ParameterHead
from keras_vae.layers.sampling import Sampling

__all__ = [
    "AutoregressiveNetwork",
    "Conv2D",
    "Conv2DTranspose",
    "CouplingNetwork",
    "MaskedDense",
    "ParameterHead",
    "Sampling",
]
