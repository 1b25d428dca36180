"""Scales stay positive and finite, and never lose their gradient."""

import numpy as np
import pytest
from keras import ops

from keras_vae.distributions.bounds import LOG_SCALE_LIMIT, positive_scale

EXTREMES = np.float32([-1e30, -1e4, -100, -7, 0, 7, 100, 1e4, 1e30])


def scales(raw, **options):
    raw = ops.convert_to_tensor(np.float32(raw))
    return ops.convert_to_numpy(positive_scale(raw, **options))


def test_near_zero_it_is_the_exponential():
    raw = np.linspace(-0.5, 0.5, 11)
    np.testing.assert_allclose(scales(raw), np.exp(raw), rtol=0.01)
    assert scales(0.0) == 1


def test_it_is_bounded_and_increasing():
    bounds = np.exp([-LOG_SCALE_LIMIT, LOG_SCALE_LIMIT]) * [0.9999, 1.0001]
    values = scales(EXTREMES)
    assert np.isfinite(values).all()
    assert bounds[0] < values.min() and values.max() < bounds[1]
    assert (np.diff(values[1:-1]) > 0).all()
    assert scales(1e4, limit=2.0) == pytest.approx(np.exp(2), rel=1e-2)


@pytest.mark.parametrize("raw", [-1e4, -300.0, -50.0, 0.0, 50.0, 300.0, 1e4])
def test_its_gradient_fades_but_never_dies(raw, gradient_of):
    """A hard clip's gradient is 0 outside: such a scale never comes back."""
    gradient = gradient_of(positive_scale, np.float32(raw))
    assert np.isfinite(gradient)
    assert gradient > 0
