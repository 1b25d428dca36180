"""Blocks of columns side by side, with missing values."""

import numpy as np
import pytest
from keras import ops

from keras_vae import distributions

RNG = np.random.default_rng(0)
LOC = RNG.normal(size=(6, 3)).astype("float32")
RATE = np.exp(RNG.normal(size=(6, 2))).astype("float32")
LOGITS = RNG.normal(size=(6, 4)).astype("float32")
POSITIVE = RNG.normal(size=(6, 1)).astype("float32")


def blocks():
    return [
        distributions.Normal(LOC, 0.5),
        distributions.Poisson(RATE),
        distributions.Categorical(LOGITS, values="one_hot"),
        distributions.LogNormal(POSITIVE, 1.0),
    ]


def joint():
    return distributions.Joint(blocks(), fillers=[0.0, 0.0, 0.0, 1.0])


def values():
    parts = [
        RNG.normal(size=(6, 3)),
        RNG.integers(0, 4, (6, 2)),
        np.eye(4)[RNG.integers(0, 4, 6)],
        np.exp(RNG.normal(size=(6, 1))),
    ]
    return np.concatenate(parts, axis=1).astype("float32")


def split(x):
    return np.split(x, [3, 5, 9], axis=-1)


def test_it_is_the_sum_of_its_blocks():
    p, x = joint(), values()
    assert tuple(p.batch_shape) == (6,) and tuple(p.event_shape) == (10,)
    expected = sum(
        ops.convert_to_numpy(one.log_prob(part))
        for one, part in zip(blocks(), split(x), strict=True)
    )
    received = ops.convert_to_numpy(p.log_prob(x))
    np.testing.assert_allclose(received, expected, 1e-5)
    for method in ("mean", "mode"):
        parts = split(ops.convert_to_numpy(getattr(p, method)()))
        for part, one in zip(parts, blocks(), strict=True):
            np.testing.assert_array_equal(
                part, ops.convert_to_numpy(getattr(one, method)())
            )


@pytest.mark.parametrize("seed", range(4))
def test_missing_values_are_left_out(seed):
    x, rng = values(), np.random.default_rng(seed)
    missing = rng.random(x.shape) < 0.4
    expected = np.zeros(6)
    for one, part, lost in zip(blocks(), split(x), split(missing), strict=True):
        if isinstance(one, distributions.Categorical):
            log_prob = ops.convert_to_numpy(one.log_prob(part))
            expected += np.where(lost.any(axis=1), 0, log_prob)
            continue
        one.event_ndim = 0
        log_prob = ops.convert_to_numpy(one.log_prob(part))
        expected += np.where(lost, 0, log_prob).sum(axis=1)
    received = joint().log_prob(np.where(missing, np.float32("nan"), x))
    np.testing.assert_allclose(ops.convert_to_numpy(received), expected, 1e-5)


def test_nothing_is_certain_of_what_is_all_missing():
    x = np.full((6, 10), np.nan, "float32")
    received = ops.convert_to_numpy(joint().log_prob(x))
    np.testing.assert_array_equal(received, np.zeros(6))


def test_missing_values_leave_gradients_finite(gradient_of):
    x = values()
    x[::2] = np.nan

    def log_prob(loc):
        positive = distributions.LogNormal(loc[:, :1], 1.0)
        normal = distributions.Normal(loc, 0.5)
        p = distributions.Joint([normal, positive], fillers=[0.0, 1.0])
        return ops.sum(p.log_prob(x[:, [0, 1, 2, 9]]))

    gradient = gradient_of(log_prob, LOC)
    assert np.isfinite(gradient).all()
    assert (gradient[::2] == 0).all() and (gradient[1::2] != 0).all()


def test_samples_of_blocks_are_independent():
    zeros = np.zeros((1, 1), "float32")
    blocks = [distributions.Normal(zeros, 1.0) for _ in range(3)]
    p = distributions.Joint(blocks, fillers=[0.0] * 3)
    samples = ops.convert_to_numpy(p.sample(4000, seed=0))
    assert samples.shape == (4000, 1, 3)
    correlation = np.corrcoef(samples[:, 0].T) - np.eye(3)
    assert np.abs(correlation).max() < 5 / np.sqrt(4000)
    again = ops.convert_to_numpy(p.sample(4000, seed=0))
    np.testing.assert_array_equal(samples, again)
    assert ops.convert_to_numpy(joint().sample(seed=0)).shape == (6, 10)


def test_the_entropy_is_the_sum_where_all_have_one():
    p = distributions.Joint(blocks()[::2], fillers=[0.0, 0.0])
    expected = sum(ops.convert_to_numpy(one.entropy()) for one in blocks()[::2])
    np.testing.assert_allclose(
        ops.convert_to_numpy(p.entropy()), expected, 1e-6
    )
    with pytest.raises(NotImplementedError, match="`Poisson.entropy` has no"):
        joint().entropy()
