"""Trains by the command line with `--deterministic`, in a fresh process.

    python -m tests.deterministic_training ARGUMENTS OF keras-vae train

It prints, as JSON, what the backend was told, and when.
"""

import json
import os
import sys

import keras

from keras_vae import cli


def tensorflow_was_told():
    """Whether a random operation without a seed is an error."""
    import tensorflow as tf

    tf.random.set_seed(None)
    try:
        tf.random.normal(())
    except RuntimeError:
        return {"deterministic": True}
    return {"deterministic": False}


def jax_was_told(devices_before):
    return {
        "flags": os.environ["XLA_FLAGS"],
        "devices_before": devices_before,
    }


def torch_was_told():
    import torch

    return {
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "benchmark": torch.backends.cudnn.benchmark,
        "cublas": os.environ["CUBLAS_WORKSPACE_CONFIG"],
    }


def note_devices():
    """Notes whether JAX has set up its devices when it is told."""
    from keras_vae.trainers import jax_determinism

    found, enable = [], jax_determinism.enable

    def noting():
        found.append(jax_determinism.has_devices())
        enable()

    jax_determinism.enable = noting
    return found


def main(arguments):
    backend = keras.backend.backend()
    found = note_devices() if backend == "jax" else None
    code = cli.main(["train", "--deterministic", *arguments])
    told = {
        "tensorflow": tensorflow_was_told,
        "jax": lambda: jax_was_told(found),
        "torch": torch_was_told,
    }
    print(json.dumps(told[backend]()))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
