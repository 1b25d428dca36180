"""Training: the one place where backends differ."""

import keras

from keras_vae.trainers.base import BaseTrainer
from keras_vae.trainers.determinism import enable_determinism
from keras_vae.trainers.step import StepResult


def _backend_trainer() -> type[BaseTrainer]:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from keras_vae.trainers.tensorflow import TensorFlowTrainer

        return TensorFlowTrainer
    if backend == "jax":
        from keras_vae.trainers.jax import JAXTrainer

        return JAXTrainer
    if backend == "torch":
        from keras_vae.trainers.torch import TorchTrainer

        return TorchTrainer
    raise ImportError(
        "keras_vae trains on the Keras backends tensorflow, jax and torch. "
        f"Received: KERAS_BACKEND={backend!r}. Set e.g. KERAS_BACKEND=jax "
        "before Python starts."
    )


Trainer = _backend_trainer()

__all__ = ["BaseTrainer", "StepResult", "Trainer", "enable_determinism"]
