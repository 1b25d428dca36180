import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_vae import random
from keras_vae.random import components

pytestmark = pytest.mark.once

weights_strategy = st.lists(
    st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=12
).filter(lambda weights: sum(weights) > 1e-3)


def test_thresholds_are_cumulative_weights_rounded_down():
    result = components.thresholds([0.1, 0.2, 0.7])
    assert result.dtype == np.uint64
    expected = [int(0.1 * 2**32), int((0.1 + 0.2) * 2**32), 2**32]
    assert result.tolist() == expected


def test_weights_are_divided_by_their_sum():
    np.testing.assert_array_equal(
        components.thresholds([1, 1, 2]),
        components.thresholds([0.25, 0.25, 0.5]),
    )


@settings(deadline=None, max_examples=60)
@given(weights=weights_strategy, bits=st.integers(0, 2**32 - 1))
def test_choose_counts_the_thresholds_passed(weights, bits):
    limits = components.thresholds(weights)
    chosen = components.choose(np.uint32(bits), limits)
    assert chosen == sum(int(limit) <= bits for limit in limits)
    assert 0 <= chosen < len(weights)


@settings(deadline=None, max_examples=60)
@given(weights=weights_strategy)
def test_no_bits_choose_a_weight_of_zero(weights):
    limits = components.thresholds([*weights, 0.0])
    edges = [int(limit) + step for limit in limits for step in (-1, 0, 1)]
    bits = np.clip([0, *edges], 0, 2**32 - 1).astype(np.uint32)
    chosen = components.choose(bits, limits)
    assert len(weights) not in chosen
    for index in set(chosen.tolist()):
        assert weights[index] > 0


def test_components_come_as_often_as_they_weigh():
    weights = np.array([0.05, 0.25, 0.7])
    bits = random.uniform_bits(20_000, 1, seed=7)
    chosen = random.choose(bits, random.thresholds(weights))
    assert chosen.shape == (20_000, 1)
    frequencies = np.bincount(chosen.ravel(), minlength=3) / 20_000
    standard_errors = np.sqrt(weights * (1 - weights) / 20_000)
    assert np.all(np.abs(frequencies - weights) < 5 * standard_errors)


@pytest.mark.parametrize(
    "weights",
    [[], [0.0, 0.0], [0.5, -0.5], [0.5, np.nan], [np.inf], [[0.5, 0.5]], 1.0],
    ids=str,
)
def test_bad_weights(weights):
    with pytest.raises(ValueError, match="`weights` must be a vector.*Pass"):
        components.thresholds(weights)


def test_examples_in_the_docstrings():
    results = doctest.testmod(components)
    assert results.attempted > 0
    assert results.failed == 0


def test_each_uniform_chooses_by_its_own_thresholds():
    rows = np.stack(
        [random.thresholds([0.5, 0.5]), random.thresholds([0.25, 0.75])]
    )
    bits = np.array([[0, 0], [2**30, 2**30], [2**31, 2**30 - 1]], "uint32")
    received = random.choose_each(bits, rows)
    np.testing.assert_array_equal(received, [[0, 0], [0, 1], [1, 0]])
    assert received.dtype == "int32"
    assert random.choose_each(bits[:, :0], rows[:0]).shape == (3, 0)


def test_uniform_floats_stay_inside():
    ends = random.uniform_floats([0, 2**31, 2**32 - 1])
    np.testing.assert_array_equal(
        ends.astype("float64"), [2.0**-24, 0.5 + 2.0**-24, 1 - 2.0**-24]
    )
    assert ends.dtype == "float32"
