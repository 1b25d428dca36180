"""The seeded stream: one seed, the same latents on every runtime.

A seed is the key of Threefry-2x32 with 20 rounds (Salmon et al., 2011,
"Parallel random numbers: as easy as 1, 2, 3"), which turns the number of a
block into 64 random bits. So any part of the stream is computed without the
rest, and the first samples do not depend on how many are drawn. The exported
models hold the same arithmetic; this one, in NumPy, is the reference.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_vae.random.checks import (
    FIRST_UNIFORM_BLOCK,
    checked_count,
    checked_counters,
    checked_seed,
    checked_seeds,
    checked_stream,
    checked_temperatures,
)

_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
_PARITY = np.uint32(0x1BD11BDA)
_LOW_WORD = np.uint64(0xFFFFFFFF)
_WORD_BITS = np.uint64(32)
_BLOCKS_PER_CHUNK = 2**14  # a chunk's arrays stay in the processor's cache


def blocks(seed: int, counters: Any) -> np.ndarray:
    """Returns the random bits of numbered blocks of a seed's stream.

    Args:
        seed: Integer, any int64; read as two's complement.
        counters: Integers from 0 to 2^64 - 1, of any shape.

    Returns:
        uint32 array of shape `counters.shape + (2,)`.

    Raises:
        TypeError: if `seed` or `counters` are not integers.
        ValueError: if `seed` is no int64, or a counter is outside its range.

    Example:
    >>> from keras_vae import random
    >>> [hex(word) for word in random.blocks(seed=7, counters=0)]
    ['0xe892296a', '0xbc3b53b9']
    """
    key = checked_seed(seed)
    numbers = checked_counters(counters)
    words = _threefry(key, numbers.reshape(1, -1))
    return _interleave(*words).reshape((*numbers.shape, 2))


def normals(
    num_samples: int,
    dim: int,
    seed: int,
    temperature: float = 1.0,
    start: int = 0,
) -> np.ndarray:
    """Draws standard normals, scaled by a temperature.

    Args:
        num_samples: Integer, how many samples; may be 0.
        dim: Integer, normals that one sample takes; may be 0.
        seed: Integer, any int64.
        temperature: Float, multiplies every value. Defaults to `1.0`.
        start: Integer, number of the first sample: `start=5` gives what
            follows the first 5 samples. Defaults to `0`.

    Returns:
        float32 array of shape `(num_samples, dim)`.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if a count is negative, `seed` is no int64, `temperature`
            is negative or not finite, or the stream ends before the samples.

    Example:
    >>> from keras_vae import random
    >>> random.normals(num_samples=1, dim=2, seed=7).round(5)
    array([[-0.04046, -0.43626]], dtype=float32)
    """
    key = checked_seed(seed)
    num_samples, dim, start = checked_stream(num_samples, "dim", dim, start)
    scale = checked_temperatures("temperature", temperature, 1)
    out = np.empty((num_samples, dim), np.float32)
    _fill(out, _box_muller, key, start)
    out *= scale
    return out


def normals_for_seeds(
    seeds: Any, dim: int, temperatures: Any = 1.0
) -> np.ndarray:
    """Draws one sample of standard normals under each of many seeds.

    Row n equals `normals(1, dim, seeds[n], temperatures[n])[0]`.

    Args:
        seeds: Integers, any int64, of shape `(num_samples,)`.
        dim: Integer, normals that one sample takes; may be 0.
        temperatures: Floats of shape `(num_samples,)`, or one for all, that
            multiply the values. Defaults to `1.0`.

    Returns:
        float32 array of shape `(num_samples, dim)`.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if `dim` is negative, a seed is no int64, a temperature is
            negative or not finite, or there is not one for each seed.

    Example:
    >>> from keras_vae import random
    >>> random.normals_for_seeds([7, -1], dim=1).round(5)
    array([[-0.04046],
           [-0.57037]], dtype=float32)
    """
    keys = checked_seeds(seeds)
    dim = checked_count("dim", dim)
    scales = checked_temperatures("temperatures", temperatures, len(keys))
    out = np.empty((len(keys), dim), np.float32)
    _fill(out, _box_muller, keys)
    out *= scales
    return out


def uniform_bits(
    num_samples: int, num_uniforms: int, seed: int, start: int = 0
) -> np.ndarray:
    """Draws 32 uniform bits for each of a sample's uniforms.

    They stay integers: a float32 has too few digits to hold them.

    Args:
        num_samples: Integer, how many samples; may be 0.
        num_uniforms: Integer, uniforms that one sample takes; may be 0.
        seed: Integer, any int64.
        start: Integer, number of the first sample. Defaults to `0`.

    Returns:
        uint32 array of shape `(num_samples, num_uniforms)`.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if a count is negative, `seed` is no int64, or the stream
            ends before the samples.

    Example:
    >>> from keras_vae import random
    >>> random.uniform_bits(num_samples=2, num_uniforms=1, seed=7).shape
    (2, 1)
    """
    key = checked_seed(seed)
    num_samples, num_uniforms, start = checked_stream(
        num_samples, "num_uniforms", num_uniforms, start
    )
    out = np.empty((num_samples, num_uniforms), np.uint32)
    _fill(out, _interleave, key, start, FIRST_UNIFORM_BLOCK)
    return out


def uniform_bits_for_seeds(seeds: Any, num_uniforms: int) -> np.ndarray:
    """Draws one sample of uniform bits under each of many seeds.

    Row n equals `uniform_bits(1, num_uniforms, seeds[n])[0]`.

    Args:
        seeds: Integers, any int64, of shape `(num_samples,)`.
        num_uniforms: Integer, uniforms that one sample takes; may be 0.

    Returns:
        uint32 array of shape `(num_samples, num_uniforms)`.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if `num_uniforms` is negative or a seed is no int64.

    Example:
    >>> from keras_vae import random
    >>> random.uniform_bits_for_seeds([7, -1], num_uniforms=3).shape
    (2, 3)
    """
    keys = checked_seeds(seeds)
    num_uniforms = checked_count("num_uniforms", num_uniforms)
    out = np.empty((len(keys), num_uniforms), np.uint32)
    _fill(out, _interleave, keys, first_block=FIRST_UNIFORM_BLOCK)
    return out


def uniform_floats(bits: Any) -> np.ndarray:
    """Turns uniform bits into floats for what takes a uniform as a number.

    Args:
        bits: uint32 array of any shape, from `uniform_bits`.

    Returns:
        float32 array of the same shape, strictly between 0 and 1: the middle
        of each of 2^23 intervals, which float32 holds exactly.

    Example:
    >>> from keras_vae import random
    >>> float(random.uniform_floats([2**31])[0])
    0.5000000596046448
    """
    words = np.asarray(bits, np.uint32)
    return (((words >> 9) + 0.5) * 2.0**-23).astype(np.float32)


def _fill(
    out: np.ndarray,
    finish: Callable[[np.ndarray, np.ndarray], np.ndarray],
    keys: np.ndarray,
    start: int = 0,
    first_block: int = 0,
) -> None:
    """Writes the stream into `out`, a cacheful of rows at a time.

    One key gives the rows its samples from `start` on; many give each row the
    first sample of its own. Sample i takes the blocks
    `first_block + i * ceil(dim / 2) + j`; an odd last value is dropped.
    """
    num_rows, dim = out.shape
    width = (dim + 1) // 2
    rows_per_chunk = max(1, _BLOCKS_PER_CHUNK // max(1, width))
    for first in range(0, num_rows if dim else 0, rows_per_chunk):
        rows = slice(first, min(first + rows_per_chunk, num_rows))
        if len(keys) == 1:
            counters = np.arange((rows.stop - first) * width, dtype=np.uint64)
            counters += np.uint64(first_block + (start + first) * width)
            words = _threefry(keys, counters.reshape(-1, width))
        else:
            counters = np.arange(width, dtype=np.uint64)
            counters += np.uint64(first_block)
            words = _threefry(keys[rows], counters[None])
        out[rows] = finish(*words)[:, :dim]


def _threefry(
    keys: np.ndarray, counters: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Enciphers uint64 counters under uint64 keys into two uint32 words."""
    low, high = _words(keys)
    schedule = (low, high, low ^ high ^ _PARITY)
    x0, x1 = _words(counters)
    x0, x1 = x0 + low, x1 + high
    shifted = np.empty_like(x1)
    for index in range(20):
        left = _ROTATIONS[index % 8]
        np.add(x0, x1, out=x0)
        np.left_shift(x1, left, out=shifted)
        np.right_shift(x1, 32 - left, out=x1)
        np.bitwise_or(x1, shifted, out=x1)
        np.bitwise_xor(x1, x0, out=x1)
        if index % 4 == 3:
            turn = index // 4 + 1
            np.add(x0, schedule[turn % 3], out=x0)
            np.add(x1, schedule[(turn + 1) % 3] + np.uint32(turn), out=x1)
    return x0, x1


def _words(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Splits uint64 values into their low and high 32 bits."""
    low = (values & _LOW_WORD).astype(np.uint32)
    return low, (values >> _WORD_BITS).astype(np.uint32)


def _box_muller(bits1: np.ndarray, bits2: np.ndarray) -> np.ndarray:
    """Turns words `(rows, blocks)` into normals `(rows, 2 * blocks)`."""
    # r = sqrt(-2 ln u1), a = 2 pi u2, with u = (bits + 0.5) 2^-32 in float64
    radius = np.sqrt(-2.0 * np.log((bits1 + 0.5) * 2.0**-32))
    angle = 2.0 * np.pi * ((bits2 + 0.5) * 2.0**-32)
    return _interleave(radius * np.cos(angle), radius * np.sin(angle))


def _interleave(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Joins `(rows, blocks)` twice to `(rows, 2 * blocks)`, alternating."""
    rows, width = first.shape
    return np.stack((first, second), axis=-1).reshape(rows, 2 * width)
