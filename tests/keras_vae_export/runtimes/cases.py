"""What every runtime is asked: one list of cases for all of them."""

import itertools
from typing import NamedTuple

import numpy as np

from keras_vae import random

LATENT_DIM = 4
MODELS = ("standard_normal", "gaussian_mixture")
SIZES = (0, 1, 7, 1000)
# Those whose bits are published, more than 53 bits, and the ends of int64.
SEEDS = (0, 7, -1, 2**63 - 1, 12345678901234, -(2**63))
# What fails on an empty batch, and how; `test_exempt.py` shows that it does.
NO_EMPTY_BATCH = {
    "onnx_reference": "It raises a TypeError in ConvTranspose.",
    "opencv": "It kills its process.",
}
TEMPERATURES = (1.0, 0.5, 1.0, 0.5, 0.5, 1.0)  # of a row, by its seed


class Case(NamedTuple):
    """One call of an exported function."""

    model: str
    signature: str
    size: int
    seed: int = 0
    temperature: float = 1.0

    @property
    def file(self):
        """The path of its ONNX file, in the folder of all models."""
        return f"{self.model}/1/onnx/{self.signature}.onnx"

    def inputs(self):
        """The function's inputs, arrays by name."""
        if self.signature == "decode":
            return {"z": random.normals(self.size, LATENT_DIM, self.seed)}
        if self.signature == "generate":
            return {
                "num_samples": np.array(self.size, "int32"),
                "seed": np.array(self.seed, "int64"),
                "temperature": np.array(self.temperature, "float32"),
            }
        rows = seed_of_row(self.size)
        return {
            "seed": np.array(SEEDS, "int64")[rows],
            "temperature": np.array(TEMPERATURES, "float32")[rows],
        }

    def __str__(self):
        return f"{self.model}-{self.signature}-{self.size}-{self.seed}"


def seed_of_row(size):
    """For each row of `generate_rows`, the position of its seed in SEEDS."""
    return np.arange(size) % len(SEEDS)


DECODE = [Case(MODELS[0], "decode", size) for size in SIZES]
SEEDED = [
    *(Case(m, "generate", size, 7, 0.5) for m in MODELS for size in SIZES),
    *(Case(m, "generate", 7, seed) for m in MODELS for seed in SEEDS),
    *(Case(m, "generate_rows", size) for m in MODELS for size in SIZES),
]


def asked(runtimes, cases):
    """Pairs every runtime with every case that it is not exempt from."""
    return [
        (runtime, case)
        for runtime, case in itertools.product(runtimes, cases)
        if case.size or runtime not in NO_EMPTY_BATCH
    ]
