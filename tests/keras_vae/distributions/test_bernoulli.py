"""What is the Bernoulli distribution's alone."""

import numpy as np
import pytest
import scipy.special
from keras import ops

from keras_vae.distributions import Bernoulli, kl_divergence


def test_log_prob_of_certain_events_is_finite():
    logits = np.float32([1e4, -1e4])
    p = Bernoulli(logits, event_ndim=0)
    np.testing.assert_array_equal(
        ops.convert_to_numpy(p.log_prob(np.float32([1, 1]))), [0, -1e4]
    )


@pytest.mark.parametrize("logits", [-30.0, -12.0, -5.0, 0.0, 5.0, 12.0, 30.0])
def test_entropy_keeps_its_digits_in_the_tails(logits):
    entropy = float(Bernoulli(np.float32(logits), event_ndim=0).entropy())
    on, off = scipy.special.expit([logits, -logits])
    log_on, log_off = scipy.special.log_expit([logits, -logits])
    assert entropy == pytest.approx(-(on * log_on + off * log_off), rel=1e-4)


@pytest.mark.parametrize(
    ("q", "p"), [(20.0, 18.0), (-30.0, -25.0), (9.0, -9.0)]
)
def test_kl_keeps_its_digits_in_the_tails(q, p):
    on, off = scipy.special.expit([q, -q])
    log_q = scipy.special.log_expit([q, -q])
    log_p = scipy.special.log_expit([p, -p])
    exact = on * (log_q[0] - log_p[0]) + off * (log_q[1] - log_p[1])
    closed = kl_divergence(
        Bernoulli(np.float32(q), event_ndim=0),
        Bernoulli(np.float32(p), event_ndim=0),
    )
    assert float(closed) == pytest.approx(exact, rel=1e-3, abs=1e-7)


def test_grey_levels_give_the_cross_entropy():
    logits = np.float32([[0.3, -2.0, 5.0]])
    x = np.float32([[0.25, 1.0, 0.5]])
    probability = scipy.special.expit(logits.astype("float64"))
    expected = x * np.log(probability) + (1 - x) * np.log1p(-probability)
    grey = Bernoulli(logits, allow_grey=True)
    np.testing.assert_allclose(
        ops.convert_to_numpy(grey.log_prob(x)), expected.sum(-1), 1e-6
    )
    binary = np.float32([[0, 1, 1]])
    np.testing.assert_allclose(
        ops.convert_to_numpy(grey.log_prob(binary)),
        ops.convert_to_numpy(Bernoulli(logits).log_prob(binary)),
        1e-6,
    )


def test_it_has_no_reparameterised_sample():
    assert Bernoulli(np.zeros(3, "float32")).num_normals == 0
