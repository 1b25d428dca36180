"""Mixtures of discretised logistics against sums over all levels."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
from keras import ops

from keras_vae import distributions
from tests.keras_vae.distributions.likelihood_cases import levels, log_level

TOP = 255


def parameters(shape, num_mixtures=3, seed=0, scales=(0.01, 0.3), spread=0.9):
    """Logits, locs, scales and coefficients of pixels (*shape, 3)."""
    rng = np.random.default_rng(seed)
    size = (*shape, 3, num_mixtures)
    values = [
        rng.normal(size=(*shape, num_mixtures)),
        rng.uniform(-spread, spread, size),
        np.exp(rng.uniform(*np.log(scales), size)),
        rng.uniform(-0.9, 0.9, size),
    ]
    return [one.astype("float32") for one in values]


def mixture(logits, loc, scale, coefficients=None, event_ndim=1):
    return distributions.MixtureOfDiscretizedLogistics(
        logits, loc, scale, coefficients, event_ndim=event_ndim
    )


def log_pixel(x, logits, loc, scale, coefficients):
    """Log-mass of pixels (..., 3) in float64: Salimans et al., section 2."""
    logits, loc, scale, coefficients = (
        np.asarray(one, "float64") for one in (logits, loc, scale, coefficients)
    )
    x = np.asarray(np.round(x * TOP) / TOP, "float64")[..., None]
    unit = 2 * x - 1
    red, green = unit[..., 0, :], unit[..., 1, :]
    locs = [
        loc[..., 0, :],
        loc[..., 1, :] + coefficients[..., 0, :] * red,
        loc[..., 2, :]
        + coefficients[..., 1, :] * red
        + coefficients[..., 2, :] * green,
    ]
    total = scipy.special.log_softmax(logits, axis=-1)
    for channel in range(3):
        total = total + log_level(
            x[..., channel, :], locs[channel], scale[..., channel, :]
        )
    return scipy.special.logsumexp(total, axis=-1)


def assert_nats(received, expected, tolerance=1e-5):
    received = ops.convert_to_numpy(received)
    excess = np.abs(received - expected) / np.maximum(1, np.abs(expected))
    assert excess.max() < tolerance


# A centre that is moved by other channels is rounded to 1e-7, which counts by
# the scale.
@pytest.mark.parametrize(
    ("scales", "tolerance"), [((0.01, 10.0), 1e-5), ((1e-3, 0.01), 1e-4)]
)
def test_log_prob_matches_its_definition(scales, tolerance):
    values = parameters((60, 50), scales=scales)
    x = np.random.default_rng(1).choice(levels(), (60, 50, 3))
    x[:10] = np.random.default_rng(2).integers(0, 2, (10, 50, 3))  # the ends
    received = mixture(*values).log_prob(x)
    assert_nats(received, log_pixel(x, *values), tolerance)


def test_one_component_without_coupling_is_a_discretized_logistic():
    logits, loc, scale, _ = parameters((4, 5), 1)
    x = np.random.default_rng(1).choice(levels(), (4, 5, 3))
    plain = distributions.DiscretizedLogistic(loc[..., 0], scale[..., 0], 2)
    for p in (
        mixture(logits, loc, scale, event_ndim=2),
        mixture(*np.broadcast_arrays(loc, loc, scale), event_ndim=2),
    ):
        for ours, theirs in (
            (p.log_prob(x), plain.log_prob(x)),
            (p.mean(), plain.mean()),
            (p.mode(), plain.mode()),
        ):
            np.testing.assert_allclose(
                ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs), 1e-5
            )


@pytest.mark.parametrize("event_ndim", [1, 2, 3])
def test_events_and_samples_of_x(event_ndim):
    values = parameters((2, 3, 4))
    p = mixture(*values, event_ndim=event_ndim)
    batch, event = (
        (2, 3, 4, 3)[: 4 - event_ndim],
        (2, 3, 4, 3)[4 - event_ndim :],
    )
    assert tuple(p.batch_shape) == batch
    assert tuple(p.event_shape) == event
    x = np.random.default_rng(1).choice(levels(), (5, 2, 3, 4, 3))
    axes = tuple(range(5 - event_ndim, 4))
    assert_nats(p.log_prob(x), log_pixel(x, *values).sum(axis=axes))
    for answer, lead in (
        (p.mean(), ()),
        (p.mode(), ()),
        (p.sample(seed=0), ()),
        (p.sample(2, seed=0), (2,)),
    ):
        assert tuple(answer.shape) == (*lead, 2, 3, 4, 3)


def joint_masses(values, chunk=32):
    """Masses of red and green, and the mean of all: 256^2 sums a pixel."""
    points = levels()
    red, green = np.meshgrid(points, points, indexing="ij")
    blue = np.full_like(red, 0.5)
    logits, loc, scale, coefficients = values
    # Without blue: its mass is 1 for every red and green.
    wide = scale.copy()
    wide[..., 2, :] = 1e6
    zero = coefficients.copy()
    zero[..., 1:, :] = 0
    x = np.stack([red, green, blue], axis=-1)
    flat = loc.copy()
    flat[..., 2, :] = 0
    log_mass = log_pixel(x, logits, flat, wide, zero)
    constant = log_level(0.5, 0.0, 1e6)
    return points, np.exp(log_mass - constant)


def test_masses_of_two_channels_sum_to_one():
    points, masses = joint_masses(parameters((), 2))
    received = mixture(*(one[None] for one in parameters((), 2))).log_prob(
        np.stack(np.broadcast_arrays(points[:, None], points, 0.5), -1)
    )
    assert masses.sum() == pytest.approx(1, abs=1e-3)
    assert ops.convert_to_numpy(received).shape == (256, 256)


def test_masses_of_each_channel_sum_to_one():
    """Given the channels before it, whatever they are."""
    p = mixture(*parameters(()))
    points = levels()
    for red, green in ((0.0, 1.0), (0.4, 0.6)):
        red, green = np.round(np.float32([red, green]) * TOP) / TOP
        x = np.stack(np.broadcast_arrays(red, green, points), axis=-1)
        blue = ops.convert_to_numpy(p.log_prob(x.astype("float32")))
        pair = log_pixel_of_pair(parameters(()), red, green)
        assert np.logaddexp.reduce(blue) == pytest.approx(pair, abs=1e-4)


def log_pixel_of_pair(values, red, green):
    logits, loc, scale, coefficients = (one.astype("float64") for one in values)
    total = scipy.special.log_softmax(logits)
    total = total + log_level(red, loc[0], scale[0])
    shifted = loc[1] + coefficients[0] * (2 * red - 1)
    return scipy.special.logsumexp(total + log_level(green, shifted, scale[1]))


def test_the_mean_is_exact_inside():
    """Where no end level cuts off mass: against sums over all levels."""
    values = parameters((), 2, scales=(0.01, 0.05), spread=0.3)
    points, masses = joint_masses(values)
    means = ops.convert_to_numpy(mixture(*values).mean())
    assert (masses.sum(axis=1) * points).sum() == pytest.approx(
        means[0], abs=1e-5
    )
    assert (masses.sum(axis=0) * points).sum() == pytest.approx(
        means[1], abs=1e-5
    )


def test_the_mean_is_near_where_the_ends_cut_off_mass():
    values = parameters((200,), scales=(0.05, 0.3))
    p = mixture(*values)
    samples = ops.convert_to_numpy(p.sample(2000, seed=0))
    assert np.abs(samples.mean(0) - ops.convert_to_numpy(p.mean())).max() < 0.05


def test_the_mode_is_the_best_of_the_components_modes():
    """Where components lie apart, and inside, no value is likelier."""
    values = parameters((50,), scales=(0.01, 0.03), spread=0.3)
    p = mixture(*values)
    best = ops.convert_to_numpy(p.log_prob(p.mode()))
    samples = ops.convert_to_numpy(p.sample(300, seed=0))
    assert (best + 0.1 > ops.convert_to_numpy(p.log_prob(samples))).all()


def test_samples_follow_the_distribution():
    values = parameters((), 3, scales=(0.03, 0.2))
    p = mixture(*values)
    samples = ops.convert_to_numpy(p.sample(20000, seed=1))
    # The distribution function of each channel, given those before it, makes
    # uniforms of the samples.
    steps = np.round(samples * TOP).astype(int)
    points = levels()
    for channel in range(3):
        x = np.repeat(samples[:400, None], 256, axis=1)
        x[..., channel] = points
        for later in range(channel + 1, 3):
            x[..., later] = points[128]
        if channel == 2:
            log_mass = ops.convert_to_numpy(p.log_prob(x))
        else:
            log_mass = marginal(values, x, channel)
        mass = scipy.special.softmax(log_mass.astype("float64"), axis=1)
        above = np.cumsum(mass, axis=1)
        own = steps[:400, channel]
        rank = np.take_along_axis(above, own[:, None], 1)[:, 0]
        width = np.take_along_axis(mass, own[:, None], 1)[:, 0]
        jitter = np.random.default_rng(channel).random(400)
        test = scipy.stats.kstest(rank - jitter * width, "uniform")
        assert test.pvalue > 1e-3


def marginal(values, x, last):
    """Log-mass of the channels up to `last`."""
    logits, loc, scale, coefficients = (one.astype("float64") for one in values)
    total = scipy.special.log_softmax(logits)
    unit = 2 * x.astype("float64") - 1
    for channel in range(last + 1):
        centre = loc[channel]
        if channel == 1:
            centre = centre + coefficients[0] * unit[..., 0, None]
        total = total + log_level(
            x[..., channel, None].astype("float64"), centre, scale[channel]
        )
    return scipy.special.logsumexp(total, axis=-1)


def test_seeds():
    p = mixture(*parameters((2, 3)))
    draws = [ops.convert_to_numpy(p.sample(3, seed=s)) for s in (0, 0, 1)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()
    assert np.abs(draws[0] * TOP - np.round(draws[0] * TOP)).max() < 1e-4


def test_gradients_are_finite_at_extremes(gradient_of):
    logits, loc, scale, coefficients = parameters((40,))
    x = np.random.default_rng(0).integers(0, 2, (40, 3)).astype("float32")
    values = [1e3 * logits, 1e3 * loc, np.where(scale > 0.1, 1e3, 1e-3), 0.9]
    values[3] = np.sign(coefficients)
    values = [np.asarray(one, "float32") for one in values]
    for n in range(4):

        def log_prob(one, n=n):
            own = [*values[:n], one, *values[n + 1 :]]
            return ops.sum(mixture(*own).log_prob(x))

        assert np.isfinite(gradient_of(log_prob, values[n])).all()


@pytest.mark.parametrize(
    ("shapes", "event_ndim", "message"),
    [
        (((2, 8, 10), (2, 10), None), 1, "`loc` must have the shape of"),
        (((8, 10), (8, 3, 10), None), 0, "channels, which an event holds"),
        (((8, 10), (8, 10), None), 2, "event_ndim=3"),
        (((8, 10), (8, 3, 10), (8, 2, 10)), 1, "which have 3 pairs"),
        (((8, 10), (8, 10), (8, 1, 10)), 1, "for 1 channels"),
    ],
)
def test_shapes_are_checked(shapes, event_ndim, message):
    logits, loc, coefficients = (
        None if one is None else np.ones(one, "float32") for one in shapes
    )
    with pytest.raises(ValueError, match=message):
        mixture(logits, loc, loc, coefficients, event_ndim)
