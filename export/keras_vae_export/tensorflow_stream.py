"""The seeded stream as TensorFlow operations: what a SavedModel holds.

The same bits as `keras_vae.random`, in operations that have no state, and
kernels on every CPU without XLA.
"""

from typing import Any

import numpy as np

from keras_vae.random.checks import FIRST_UNIFORM_BLOCK
from keras_vae.types import Tensor
from keras_vae_export.noise import (
    NUM_ROUNDS,
    PARITY,
    ROTATIONS,
    Noise,
    num_blocks,
)


def noise(
    spec: Noise, num_samples: Any, seed: Any, temperature: Any
) -> dict[str, Tensor]:
    """Draws the first samples of a seed's stream.

    Args:
        spec: What one sample takes.
        num_samples: int32 or int64 scalar; may be 0.
        seed: int64 scalar.
        temperature: float32 scalar, multiplies the normals.

    Returns:
        Tensors of `num_samples` rows by name, as `Noise` says.
    """
    import tensorflow as tf

    samples = tf.range(tf.cast(num_samples, tf.int64))[:, None]
    keys = tf.reshape(tf.cast(seed, tf.int64), [1, 1])
    scales = tf.reshape(temperature, [1, 1])
    return _noise(spec, keys, samples, scales)


def noise_for_seeds(
    spec: Noise, seeds: Any, temperatures: Any
) -> dict[str, Tensor]:
    """Draws the first sample of each of many seeds' streams.

    Row n equals `noise(spec, 1, seeds[n], temperatures[n])`.

    Args:
        spec: What one sample takes.
        seeds: int64 tensor of shape `(N,)`.
        temperatures: float32 tensor of shape `(N,)`.

    Returns:
        Tensors of N rows by name, as `Noise` says.
    """
    import tensorflow as tf

    keys = tf.cast(seeds, tf.int64)[:, None]
    samples = tf.zeros_like(keys)
    return _noise(spec, keys, samples, tf.expand_dims(temperatures, 1))


def _noise(
    spec: Noise, keys: Tensor, samples: Tensor, scales: Tensor
) -> dict[str, Tensor]:
    """Draws a row for each of `samples`; all are columns, or one value."""
    import tensorflow as tf

    if spec.num_normals:
        words = _words(spec.num_normals, keys, samples)
        pairs = _box_muller(*words)
        normals = _interleave(*pairs)[:, : spec.num_normals] * scales
    else:
        normals = tf.zeros(tf.stack([tf.shape(samples)[0], 0]))
    outputs = {"normals": normals}
    if not spec.num_uniforms:
        return outputs
    words = _words(spec.num_uniforms, keys, samples, FIRST_UNIFORM_BLOCK)
    bits = _interleave(*words)
    if spec.num_choices:
        chosen = bits[:, : spec.num_choices]
        outputs["choices"] = _choices(chosen, spec.thresholds)
    if spec.num_floats:
        rest = bits[:, spec.num_choices : spec.num_uniforms]
        outputs["uniforms"] = _floats(rest)
    return outputs


def _words(
    num_values: int, keys: Tensor, samples: Tensor, first_block: int = 0
) -> tuple[Tensor, Tensor]:
    """Returns two uint32 tensors of shape `(N, num_blocks)`."""
    import tensorflow as tf

    width = num_blocks(num_values)
    within = np.arange(width, dtype=np.uint64) + np.uint64(first_block)
    counters = samples * width + within.view(np.int64)[None]
    return _threefry(tf.cast(keys, tf.uint64), tf.cast(counters, tf.uint64))


def _threefry(keys: Tensor, counters: Tensor) -> tuple[Tensor, Tensor]:
    """Enciphers uint64 counters under uint64 keys into two uint32 words."""
    import tensorflow as tf

    xor = tf.bitwise.bitwise_xor
    low, high = _halves(keys)
    parity = tf.constant(PARITY, tf.uint32)
    schedule = (low, high, xor(xor(low, high), parity))
    x0, x1 = _halves(counters)
    x0, x1 = x0 + low, x1 + high
    for index in range(NUM_ROUNDS):
        x0 = x0 + x1
        x1 = xor(_rotated(x1, ROTATIONS[index % 8]), x0)
        if index % 4 == 3:
            turn = index // 4 + 1
            x0 = x0 + schedule[turn % 3]
            added = schedule[(turn + 1) % 3] + tf.constant(turn, tf.uint32)
            x1 = x1 + added
    return x0, x1


def _halves(values: Tensor) -> tuple[Tensor, Tensor]:
    """Splits uint64 values into their low and high 32 bits."""
    import tensorflow as tf

    mask = tf.constant(0xFFFFFFFF, tf.uint64)
    low = tf.bitwise.bitwise_and(values, mask)
    high = tf.bitwise.right_shift(values, tf.constant(32, tf.uint64))
    return tf.cast(low, tf.uint32), tf.cast(high, tf.uint32)


def _rotated(word: Tensor, left: int) -> Tensor:
    import tensorflow as tf

    right = tf.constant(32 - left, tf.uint32)
    return tf.bitwise.bitwise_or(
        tf.bitwise.left_shift(word, tf.constant(left, tf.uint32)),
        tf.bitwise.right_shift(word, right),
    )


def _box_muller(bits1: Tensor, bits2: Tensor) -> tuple[Tensor, Tensor]:
    """Turns two words into two normals, in float64, then float32."""
    import tensorflow as tf

    # r = sqrt(-2 ln u1), a = 2 pi u2, with u = (bits + 0.5) 2^-32
    u1, u2 = (
        (tf.cast(bits, tf.float64) + 0.5) * 2.0**-32 for bits in (bits1, bits2)
    )
    radius = tf.sqrt(-2.0 * tf.math.log(u1))
    angle = 2.0 * np.pi * u2
    first, second = radius * tf.cos(angle), radius * tf.sin(angle)
    return tf.cast(first, tf.float32), tf.cast(second, tf.float32)


def _choices(bits: Tensor, thresholds: np.ndarray) -> Tensor:
    """Counts the thresholds that are at most the bits, by binary search."""
    import tensorflow as tf

    counts = tf.raw_ops.UpperBound(
        sorted_inputs=tf.constant(thresholds.astype(np.int64)),
        values=tf.transpose(tf.cast(bits, tf.int64)),
    )
    return tf.transpose(counts)


def _floats(bits: Tensor) -> Tensor:
    """Turns bits into float32 strictly between 0 and 1, without rounding."""
    import tensorflow as tf

    kept = tf.bitwise.right_shift(bits, tf.constant(9, tf.uint32))
    return (tf.cast(kept, tf.float32) + 0.5) * 2.0**-23


def _interleave(first: Tensor, second: Tensor) -> Tensor:
    """Joins `(N, width)` twice to `(N, 2 * width)`, alternating."""
    import tensorflow as tf

    pairs = tf.stack([first, second], axis=2)
    return tf.reshape(pairs, [-1, 2 * first.shape[1]])
