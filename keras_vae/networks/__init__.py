"""Builders of encoders and decoders: each gives a plain functional model.

An encoder turns x into features, a decoder turns z into features; the
posterior and the likelihood turn features into distributions. Any
`keras.Model` of one input and one output can take a builder's place.
"""

from keras_vae.networks.conv import conv_decoder, conv_encoder
from keras_vae.networks.mlp import mlp_decoder, mlp_encoder

__all__ = ["conv_decoder", "conv_encoder", "mlp_decoder", "mlp_encoder"]
