import doctest
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from keras_vae.random import threefry

pytestmark = pytest.mark.once

SEEDS = (0, 7, -1, 2**63 - 1, -(2**63), 12345678901234)
seeds = st.integers(-(2**63), 2**63 - 1)
counts = st.integers(0, 40)

# The stream's published check values: dim 4, two samples, temperature 1.
CHECK_BITS = {
    7: "e892296a bc3b53b9 b0b8a12f 4f8b93d0 184f8eb1 12c0f677 2b8f90b4 "
    "fdde3554",
    -1: "413979c4 4e58fb3f 9feae161 f48aea97 23fbff6e 865fe3e7 51566698 "
    "9da95a86",
}
CHECK_NORMALS = {
    7: [
        [-0.0404642, -0.4362647, -0.3205668, 0.7990275],
        [1.9440784, 0.9638852, 1.8794546, -0.0984363],
    ],
    -1: [
        [-0.5703732, 1.5522108, 0.9319686, -0.2692088],
        [-1.9567599, -0.3086686, -1.1304402, -1.0075939],
    ],
}


def hex_words(words):
    return " ".join(f"{word:08x}" for word in np.ravel(words))


def plain_block(seed, counter):
    """One block, in Python integers, straight from the paper's listing."""
    mask = 0xFFFFFFFF
    key = [seed & mask, seed >> 32 & mask]
    key.append(key[0] ^ key[1] ^ 0x1BD11BDA)
    x0 = (counter + key[0]) & mask
    x1 = ((counter >> 32) + key[1]) & mask
    for index in range(20):
        left = (13, 15, 26, 6, 17, 29, 16, 24)[index % 8]
        x0 = (x0 + x1) & mask
        x1 = ((x1 << left | x1 >> 32 - left) & mask) ^ x0
        if index % 4 == 3:
            turn = index // 4 + 1
            x0 = (x0 + key[turn % 3]) & mask
            x1 = (x1 + key[(turn + 1) % 3] + turn) & mask
    return x0, x1


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0, 0), (0, 0), "6b200159 99ba4efe"),
        ((2**32 - 1,) * 2, (2**32 - 1,) * 2, "1cb996fc bb002be7"),
        (
            (0x13198A2E, 0x03707344),
            (0x243F6A88, 0x85A308D3),
            "c4923a9c 483df7a0",
        ),
    ],
)
def test_blocks_give_the_known_answers_of_random123(key, counter, expected):
    seed = int(np.uint64(key[1] << 32 | key[0]).astype(np.int64))
    counter = counter[1] << 32 | counter[0]
    assert hex_words(threefry.blocks(seed, counter)) == expected


@pytest.mark.parametrize("seed", CHECK_BITS)
def test_check_values(seed):
    assert hex_words(threefry.blocks(seed, range(4))) == CHECK_BITS[seed]
    z = threefry.normals(num_samples=2, dim=4, seed=seed)
    np.testing.assert_allclose(z, CHECK_NORMALS[seed], rtol=0, atol=5.1e-8)


@settings(deadline=None, max_examples=50)
@given(seed=seeds, counter=st.integers(0, 2**64 - 1))
def test_blocks_equal_the_plain_arithmetic(seed, counter):
    words = threefry.blocks(seed, np.array([[counter]], np.uint64))
    assert words.dtype == np.uint32
    assert words.shape == (1, 1, 2)
    assert tuple(words[0, 0]) == plain_block(seed, counter)


@pytest.mark.parametrize("seed", SEEDS)
def test_blocks_equal_those_of_jax(seed):
    jax_random = pytest.importorskip(
        "jax.extend.random", reason="JAX, the independent witness, is missing."
    )
    counters = np.array([0, 1, 2**32 - 1, 2**32, 2**63, 2**64 - 1], np.uint64)
    low, high = counters.astype(np.uint32), (counters >> 32).astype(np.uint32)
    key = np.array([seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF], np.uint32)
    theirs = np.asarray(
        jax_random.threefry_2x32(key, np.concatenate([low, high]))
    )
    ours = threefry.blocks(seed, counters)
    np.testing.assert_array_equal(ours.T, theirs.reshape(2, -1))


@pytest.mark.parametrize("dim", [1, 2, 5])
@pytest.mark.parametrize("num_samples", [0, 1, 3, 1000])
@pytest.mark.parametrize("seed", SEEDS)
def test_normals_equal_the_definition(seed, num_samples, dim):
    z = threefry.normals(num_samples, dim, seed, temperature=0.7)
    assert z.dtype == np.float32
    assert z.shape == (num_samples, dim)
    width = -(-dim // 2)
    words = threefry.blocks(seed, range(num_samples * width))
    u = (words.astype(np.float64) + 0.5) / 2**32
    radius = np.sqrt(-2 * np.log(u[:, 0]))
    angle = 2 * np.pi * u[:, 1]
    pairs = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    whole = pairs.astype(np.float32).reshape(num_samples, 2 * width)
    expected = whole[:, :dim] * np.float32(0.7)
    # Another libm may round one value in ten million the other way.
    np.testing.assert_allclose(z, expected, rtol=2e-7, atol=0)


@pytest.mark.parametrize("num_uniforms", [1, 2, 5])
@pytest.mark.parametrize("seed", SEEDS)
def test_uniform_bits_equal_the_definition(seed, num_uniforms):
    bits = threefry.uniform_bits(30, num_uniforms, seed)
    assert bits.dtype == np.uint32
    width = -(-num_uniforms // 2)
    words = threefry.blocks(seed, [2**63 + c for c in range(30 * width)])
    expected = words.reshape(30, 2 * width)[:, :num_uniforms]
    np.testing.assert_array_equal(bits, expected)


DRAWS = {
    "normals": lambda n, dim, seed, start=0: threefry.normals(
        n, dim, seed, start=start
    ),
    "uniform_bits": threefry.uniform_bits,
}
DRAWS_FOR_SEEDS = {
    "normals": threefry.normals_for_seeds,
    "uniform_bits": threefry.uniform_bits_for_seeds,
}


@pytest.mark.parametrize("draw", DRAWS)
@settings(deadline=None, max_examples=40)
@given(seed=seeds, start=counts, num_samples=counts, dim=counts)
def test_any_part_equals_the_rows_of_the_whole(
    draw, seed, start, num_samples, dim
):
    whole = DRAWS[draw](start + num_samples, dim, seed)
    part = DRAWS[draw](num_samples, dim, seed, start=start)
    assert part.shape == (num_samples, dim)
    np.testing.assert_array_equal(part, whole[start:])


@pytest.mark.parametrize("draw", DRAWS)
@settings(deadline=None, max_examples=40)
@given(many=st.lists(seeds, max_size=20), dim=counts)
def test_each_of_many_seeds_gives_its_first_sample(draw, many, dim):
    rows = DRAWS_FOR_SEEDS[draw](many, dim)
    assert rows.shape == (len(many), dim)
    for row, seed in zip(rows, many, strict=True):
        np.testing.assert_array_equal(row, DRAWS[draw](1, dim, seed)[0])


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize(("num_samples", "dim"), [(70_001, 1), (41, 5_000)])
def test_results_do_not_depend_on_the_chunks(
    draw, num_samples, dim, monkeypatch
):
    many = np.arange(num_samples)
    several = DRAWS[draw](num_samples, dim, seed=7)
    several_rows = DRAWS_FOR_SEEDS[draw](many, dim)
    monkeypatch.setattr(threefry, "_BLOCKS_PER_CHUNK", 2**30)
    np.testing.assert_array_equal(several, DRAWS[draw](num_samples, dim, 7))
    np.testing.assert_array_equal(
        several_rows, DRAWS_FOR_SEEDS[draw](many, dim)
    )


def test_memory_is_that_of_the_result():
    tracemalloc.start()
    z = threefry.normals(100_000, 16, seed=7)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < z.nbytes + 4e6


@pytest.mark.parametrize("seed", SEEDS)
def test_normals_are_standard_and_independent(seed):
    z = threefry.normals(20_000, 3, seed)
    # A true stream fails each of these 6 x 6 checks once in 100,000 seeds.
    for column in z.T:
        assert stats.kstest(column, "norm").pvalue > 1e-5
    correlations = stats.spearmanr(z).statistic[np.triu_indices(3, 1)]
    assert np.all(np.abs(correlations) < 4.5 / np.sqrt(20_000))


def test_uniforms_are_uniform_and_apart_from_the_normals():
    bits = threefry.uniform_bits(20_000, 2, seed=7)
    u = (bits + 0.5) / 2**32
    assert stats.kstest(u.ravel(), "uniform").pvalue > 1e-5
    z = threefry.normals(20_000, 2, seed=7)
    rank = stats.spearmanr(u[:, 0], z[:, 0]).statistic
    assert abs(rank) < 4.5 / np.sqrt(20_000)


def test_extreme_bits_give_finite_normals():
    ends = np.array([[0, 2**32 - 1]], np.uint32)
    z = threefry._box_muller(ends, ends[:, ::-1])
    assert np.all(np.isfinite(z))
    assert np.abs(z).max() < 6.8  # sqrt(2 ln 2^33)


def test_temperature_multiplies_in_float32():
    z = threefry.normals(50, 3, seed=7)
    halved = threefry.normals(50, 3, seed=7, temperature=0.3)
    np.testing.assert_array_equal(halved, z * np.float32(0.3))
    zeros = threefry.normals(50, 3, seed=7, temperature=0)
    np.testing.assert_array_equal(zeros, np.zeros((50, 3)))


def test_each_seed_has_its_own_temperature():
    temperatures = np.array([0.0, 0.5, 2.0])
    z = threefry.normals_for_seeds([5, 5, 6], 4, temperatures)
    for row, seed, temperature in zip(z, [5, 5, 6], temperatures, strict=True):
        expected = threefry.normals(1, 4, seed, temperature)[0]
        np.testing.assert_array_equal(row, expected)


@pytest.mark.parametrize("cast", [np.int64, np.int32, np.uint8, np.array])
def test_numpy_integers_are_integers(cast):
    np.testing.assert_array_equal(
        threefry.normals(cast(3), cast(2), cast(7), start=cast(1)),
        threefry.normals(3, 2, 7, start=1),
    )


@pytest.mark.parametrize(
    "seed", [True, np.True_, 1.0, np.float32(1), "7", None]
)
def test_seed_of_a_wrong_type(seed):
    with pytest.raises(TypeError, match="`seed` must be an integer.*`seed=7`"):
        threefry.normals(1, 2, seed)


@pytest.mark.parametrize("seed", [2**63, -(2**63) - 1, np.uint64(2**63)])
def test_seed_out_of_range(seed):
    with pytest.raises(ValueError, match=r"`seed` must be.*-2\^63.*Received"):
        threefry.uniform_bits(1, 2, seed)


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ([1.5], TypeError, "`seeds` must be integers.*dtype float64"),
        ([True], TypeError, "`seeds` must be integers.*dtype bool"),
        ([2**63], ValueError, "`seeds` must be .*9223372036854775808 among"),
        (7, ValueError, r"shape \(num_samples,\).*Received: shape \(\)"),
        ([[7]], ValueError, r"shape \(num_samples,\).*shape \(1, 1\)"),
    ],
)
def test_bad_seeds(bad, error, message):
    with pytest.raises(error, match=message):
        threefry.normals_for_seeds(bad, 2)
    with pytest.raises(error, match=message):
        threefry.uniform_bits_for_seeds(bad, 2)


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ([-1], ValueError, "`counters` must be .*Received: -1 among them"),
        ([0.5], TypeError, "`counters` must be .*Received: an array of dtype"),
    ],
)
def test_bad_counters(bad, error, message):
    with pytest.raises(error, match=message):
        threefry.blocks(7, bad)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("num_samples", -1, ValueError),
        ("num_samples", 2.0, TypeError),
        ("dim", -1, ValueError),
        ("dim", True, TypeError),
        ("start", -1, ValueError),
        ("start", None, TypeError),
    ],
)
def test_bad_counts(name, value, error):
    arguments = {"num_samples": 2, "dim": 2, "seed": 7, name: value}
    with pytest.raises(error, match=f"`{name}` must be an integer of at least"):
        threefry.normals(**arguments)


def test_the_stream_ends():
    last = threefry.normals(1, 2, seed=7, start=2**63 - 1)
    assert np.all(np.isfinite(last))
    with pytest.raises(ValueError, match="must not pass the end.*`seed=8`"):
        threefry.normals(1, 2, seed=7, start=2**63)
    with pytest.raises(ValueError, match="num_uniforms=3"):
        threefry.uniform_bits(1, 3, seed=7, start=2**62)


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (-0.1, ValueError, "`temperature` must be at least 0 and finite"),
        (np.nan, ValueError, "Received: temperature=nan"),
        (1e39, ValueError, "finite in float32"),
        ("hot", TypeError, "`temperature` must hold numbers"),
        (None, TypeError, "`temperature` must hold numbers"),
        ([1.0, 2.0], ValueError, r"one number.*Received: shape \(2,\)"),
    ],
)
def test_bad_temperature(bad, error, message):
    with pytest.raises(error, match=message):
        threefry.normals(3, 2, 7, temperature=bad)


def test_one_temperature_for_each_seed():
    with pytest.raises(ValueError, match=r"`temperatures`.*shape \(3,\)"):
        threefry.normals_for_seeds([1, 2, 3], 2, [1.0, 1.0])


def test_examples_in_the_docstrings():
    results = doctest.testmod(threefry)
    assert results.attempted > 0
    assert results.failed == 0
