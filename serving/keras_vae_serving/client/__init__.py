"""A client of this server and of TensorFlow Serving, over REST or gRPC."""

from keras_vae_serving.client.clients import AsyncClient, Client
from keras_vae_serving.status import ServingError

__all__ = ["AsyncClient", "Client", "ServingError"]
