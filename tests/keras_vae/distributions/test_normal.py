"""What is the normal distribution's alone."""

import numpy as np
import pytest
from keras import ops

from keras_vae.distributions import Normal, kl_divergence


def test_from_noise_is_exact():
    rng = np.random.default_rng(0)
    loc, scale, noise = rng.normal(size=(3, 4, 5)).astype("float32")
    scale = np.exp(scale)
    sample = Normal(loc, scale).from_noise(ops.convert_to_tensor(noise))
    # One rounding apart at most, where a compiler fuses the two operations.
    expected = loc + scale.astype("float64") * noise
    np.testing.assert_allclose(
        ops.convert_to_numpy(sample), expected, 1e-6, 1e-6
    )


@pytest.mark.parametrize("scale", [0.5, np.float32([[0.5]]), [0.5, 1.0, 2.0]])
def test_scales_broadcast(scale):
    loc = np.zeros((4, 3), "float32")
    full = np.broadcast_to(np.float32(scale), (4, 3))
    narrow, wide = Normal(loc, scale), Normal(loc, full)
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    p = Normal(np.ones(3, "float32"), 2.0)
    for answer in (
        lambda one: one.log_prob(x),
        lambda one: one.entropy(),
        lambda one: kl_divergence(one, p),
        lambda one: kl_divergence(p, one),
    ):
        np.testing.assert_allclose(
            ops.convert_to_numpy(answer(narrow)),
            ops.convert_to_numpy(answer(wide)),
            1e-6,
        )
    assert narrow.sample(2, seed=0).shape == (2, 4, 3)


def test_kl_of_a_batch_to_one_prior():
    loc = np.float32([[1, 2], [0, 0]])
    scale = np.float32([[1, 0.5], [1, 1]])
    kl = kl_divergence(Normal(loc, scale), Normal(np.zeros(2, "float32"), 1.0))
    by_hand = [0.5 + (2 + 0.125 - 0.5 + np.log(2)), 0]
    np.testing.assert_allclose(ops.convert_to_numpy(kl), by_hand, 1e-6, 1e-7)


def test_kl_of_extreme_scales():
    """Where a variance under- or overflows, the closed form does not."""
    loc, scale = np.zeros(2, "float32"), np.exp(np.float32([-7, 7]))
    kl = kl_divergence(Normal(loc, scale), Normal(loc, 1.0))
    exact = (np.exp(-14.0) + np.exp(14.0) - 2) / 2
    assert float(kl) == pytest.approx(exact, rel=1e-5)
