"""What an exported model takes from the seeded stream."""

from typing import NamedTuple

import numpy as np

# Threefry-2x32 of Salmon et al., 2011, as `keras_vae.random` has it.
ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
PARITY = 0x1BD11BDA
NUM_ROUNDS = 20


class Noise(NamedTuple):
    """What one sample takes from the stream, and how its uniforms are read.

    Both forms of the stream, TensorFlow's and ONNX's, give by name:

    - `normals`: float32 of shape `(N, num_normals)`, times the temperature;
    - `choices`: int32 of shape `(N, num_choices)`, where there are any;
    - `uniforms`: float32 of shape `(N, num_floats)`, where there are any,
      strictly between 0 and 1: `((bits >> 9) + 0.5) * 2^-23`, exactly.

    Args:
        num_normals: Integer, standard normals; may be 0.
        thresholds: uint64 array of shape `(num_choices, num_components)`, its
            rows from `keras_vae.random.thresholds`. The first uniforms choose
            as `keras_vae.random.choose` does: each gives the number of its
            thresholds that are at most its bits.
        num_uniforms: Integer, all uniforms, at least `num_choices`.
    """

    num_normals: int
    thresholds: np.ndarray
    num_uniforms: int

    @property
    def num_choices(self) -> int:
        """How many of the uniforms choose."""
        return len(self.thresholds)

    @property
    def num_floats(self) -> int:
        """How many of the uniforms become floats."""
        return self.num_uniforms - self.num_choices


def num_blocks(num_values: int) -> int:
    """Returns how many blocks of two values one sample takes."""
    return (num_values + 1) // 2
