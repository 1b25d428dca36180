"""The images of the training benchmark, in a file that every process reads."""

import os
import subprocess
import sys

NUM_IMAGES = 60_000

# TensorFlow reads MNIST: in a process of its own its memory goes with it.
LOAD = """
import sys
import numpy as np
from keras_vae import datasets
try:
    import tensorflow_datasets as tfds
except ImportError:
    sys.exit(3)
if not tfds.builder("mnist").is_prepared():
    sys.exit(3)  # `load` would download it
x = datasets.load("mnist", "train", binarize="static")
np.save(sys.argv[1], x.astype("uint8"))
"""
ABSENT = 3


def write(path):
    """Writes binary images, `(60000, 28, 28, 1)`, as bytes.

    Returns:
        What they are: `"MNIST, statically binarised"`, or generated where
        MNIST is not prepared.
    """
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(
        [sys.executable, "-c", LOAD, path], env=quiet, stderr=subprocess.PIPE
    )
    if result.returncode == 0:
        return "MNIST, statically binarised"
    if result.returncode != ABSENT:
        raise RuntimeError(result.stderr.decode())
    write_generated(path)
    return "generated: each pixel 1 with probability 0.13"


def write_generated(path, num_images=NUM_IMAGES):
    """Writes images as sparse as MNIST's, and without anything in them."""
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.random((num_images, 28, 28, 1), dtype="float32") < 0.13
    np.save(path, x.astype("uint8"))
