"""Events of several axes are computed on one axis, with the same result."""

import numpy as np
import pytest

from keras_vae.distributions import Bernoulli, Laplace, Normal
from keras_vae.distributions.distribution import flat_events

EVENT = (2, 3, 1)


def logits(*lead):
    return np.random.default_rng(0).normal(size=(*lead, *EVENT)).astype("f4")


def test_equal_events_get_one_axis_and_scalars_stay():
    one = np.float32(1.0)
    tensors, event_ndim = flat_events(3, logits(4, 5), logits(5), one)
    assert [tuple(t.shape) for t in tensors] == [(4, 5, 6), (5, 6), ()]
    assert event_ndim == 1


@pytest.mark.parametrize("other", [(3, 1), (1, 3, 1), (5, 2, 1, 1)])
def test_events_that_broadcast_stay(other):
    first, second = logits(5), np.zeros(other, "f4")
    tensors, event_ndim = flat_events(3, first, second)
    assert [t.shape for t in tensors] == [first.shape, other]
    assert event_ndim == 3


def test_an_empty_batch_keeps_its_shape():
    tensors, _ = flat_events(3, logits(0))
    assert tuple(tensors[0].shape) == (0, 6)


@pytest.mark.parametrize("scale_shape", [(), EVENT, (3, 1), (5, *EVENT)])
@pytest.mark.parametrize("kind", [Normal, Laplace])
def test_log_prob_is_the_sum_over_the_events_elements(
    kind, scale_shape, to_numpy
):
    x = logits(5)
    loc = np.flip(logits(5), 0).copy()
    scale = np.full(scale_shape, 0.7, "f4")
    together = to_numpy(kind(loc, scale, event_ndim=3).log_prob(x))
    each = to_numpy(kind(loc, scale, event_ndim=0).log_prob(x))
    np.testing.assert_allclose(together, each.sum((1, 2, 3)), 1e-5)


@pytest.mark.parametrize("allow_grey", [False, True])
def test_samples_lead_the_bernoullis_log_prob(allow_grey, to_numpy):
    p = Bernoulli(logits(4, 5), event_ndim=3, allow_grey=allow_grey)
    x = (logits(5) > 0).astype("f4")
    each = Bernoulli(logits(4, 5), event_ndim=0, allow_grey=allow_grey)
    np.testing.assert_allclose(
        to_numpy(p.log_prob(x)),
        to_numpy(each.log_prob(x)).sum((2, 3, 4)),
        1e-5,
    )
