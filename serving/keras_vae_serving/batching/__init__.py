"""Dynamic batching: rows of concurrent requests run together."""

from keras_vae_serving.batching.parameters import BatchingParameters
from keras_vae_serving.batching.scheduler import Scheduler

__all__ = ["BatchingParameters", "Scheduler"]
