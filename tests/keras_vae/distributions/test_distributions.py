"""Every distribution against scipy, sums, integrals and samples.

The rows stand in `cases.py`.
"""

import keras
import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from keras import ops

from keras_vae.distributions import kl_divergence
from tests.keras_vae.distributions.cases import CASES, mild

every_case = pytest.mark.parametrize("name", CASES)
SHAPE = (4, 3, 5)


def float64(arrays):
    return [np.asarray(array, "float64") for array in arrays]


def assert_nats(received, expected, tolerance=1e-5):
    """Relative above 1 nat, absolute below."""
    received = ops.convert_to_numpy(received)
    bound = tolerance * np.maximum(1, np.abs(expected))
    np.testing.assert_array_less(np.abs(received - expected), bound)


@every_case
@pytest.mark.parametrize("event_ndim", [0, 1, 2, 3])
def test_log_prob_matches_scipy(name, event_ndim):
    case, rng = CASES[name], np.random.default_rng(event_ndim)
    parameters = case.parameters(rng, SHAPE)
    x = case.values(rng, *parameters)
    distribution = case.make(*parameters, event_ndim=event_ndim)
    expected = case.log_prob(float64([x])[0], *float64(parameters))
    axes = tuple(range(3 - event_ndim, 3))
    assert_nats(distribution.log_prob(x), expected.sum(axis=axes))
    assert tuple(distribution.batch_shape) == SHAPE[: 3 - event_ndim]
    assert tuple(distribution.event_shape) == SHAPE[3 - event_ndim :]
    assert distribution.event_size == np.prod(SHAPE[3 - event_ndim :])


@every_case
def test_log_prob_of_the_middle_matches_scipy_itself(name):
    case, parameters = CASES[name], mild(name, SHAPE)
    frozen = case.frozen(*float64(parameters))
    x = frozen.rvs(random_state=0).astype("float32")
    expected = frozen.logpmf(x) if case.discrete else frozen.logpdf(x)
    assert_nats(case.make(*parameters, event_ndim=0).log_prob(x), expected)


@every_case
def test_log_prob_takes_leading_samples(name):
    case, rng = CASES[name], np.random.default_rng(0)
    parameters = case.parameters(rng, SHAPE)
    x = np.stack([case.values(rng, *parameters) for _ in range(2)])
    distribution = case.make(*parameters, event_ndim=2)
    log_prob = ops.convert_to_numpy(distribution.log_prob(x))
    assert log_prob.shape == (2, 4)
    np.testing.assert_allclose(
        log_prob[1], ops.convert_to_numpy(distribution.log_prob(x[1])), 1e-6
    )


@every_case
def test_mean_and_mode_match_scipy(name):
    case, parameters = CASES[name], mild(name, SHAPE)
    frozen = case.frozen(*float64(parameters))
    distribution = case.make(*parameters)
    mean = ops.convert_to_numpy(distribution.mean())
    np.testing.assert_allclose(mean, frozen.mean(), 1e-5, 1e-6)
    mode = ops.convert_to_numpy(distribution.mode())
    assert mode.shape == SHAPE
    density = frozen.logpmf if case.discrete else frozen.logpdf
    for other in (frozen.rvs(random_state=seed) for seed in range(20)):
        assert (density(mode.astype("float64")) >= density(other) - 1e-9).all()


@every_case
@pytest.mark.parametrize("event_ndim", [0, 1, 3])
def test_entropy_matches_scipy(name, event_ndim):
    case, parameters = CASES[name], mild(name, SHAPE)
    expected = case.frozen(*float64(parameters)).entropy()
    entropy = case.make(*parameters, event_ndim=event_ndim).entropy()
    assert_nats(entropy, expected.sum(axis=tuple(range(3 - event_ndim, 3))))


@every_case
def test_densities_sum_to_one(name):
    case, parameters = CASES[name], mild(name, ())
    distribution = case.make(*parameters, event_ndim=0)
    if case.discrete:
        points = np.float32([0, 1])
        mass = ops.convert_to_numpy(distribution.log_prob(points))
        assert np.exp(mass).sum() == pytest.approx(1, abs=1e-6)
        return
    points = np.linspace(-40, 40, 20001, dtype="float32")
    density = np.exp(ops.convert_to_numpy(distribution.log_prob(points)))
    total = scipy.integrate.simpson(density.astype("float64"), x=points)
    assert total == pytest.approx(1, abs=1e-5)


def closed_and_integrated_kl(case, q_parameters, p_parameters):
    q, p = (case.frozen(*float64(one)) for one in (q_parameters, p_parameters))
    closed = kl_divergence(
        case.make(*q_parameters, event_ndim=0),
        case.make(*p_parameters, event_ndim=0),
    )
    if case.discrete:
        points = np.array([0.0, 1.0])
        terms = q.pmf(points) * (q.logpmf(points) - p.logpmf(points))
        return float(closed), terms.sum()
    points = np.linspace(q.mean() - 12 * q.std(), q.mean() + 12 * q.std(), 4001)
    terms = q.pdf(points) * (q.logpdf(points) - p.logpdf(points))
    return float(closed), scipy.integrate.simpson(terms, x=points)


@every_case
@pytest.mark.parametrize("seed", range(5))
def test_kl_matches_integration(name, seed):
    q, p = mild(name, (), seed), mild(name, (), seed + 100)
    closed, integrated = closed_and_integrated_kl(CASES[name], q, p)
    assert closed == pytest.approx(integrated, rel=1e-5, abs=1e-5)


@every_case
@pytest.mark.parametrize("event_ndim", [1, 3])
def test_kl_lies_within_standard_errors_of_samples(name, event_ndim):
    case = CASES[name]
    q = case.make(*mild(name, SHAPE), event_ndim=event_ndim)
    p = case.make(*mild(name, SHAPE, 1), event_ndim=event_ndim)
    z = q.sample(4000, seed=0)
    ratios = ops.convert_to_numpy(q.log_prob(z) - p.log_prob(z))
    error = ratios.std(axis=0, ddof=1) / np.sqrt(4000)
    closed = ops.convert_to_numpy(kl_divergence(q, p))
    assert closed.shape == SHAPE[: 3 - event_ndim]
    assert (closed > 0).all()
    np.testing.assert_array_less(
        np.abs(ratios.mean(axis=0) - closed), 5 * error
    )


@every_case
def test_kl_to_itself_is_zero(name):
    case = CASES[name]
    parameters = case.parameters(np.random.default_rng(0), SHAPE)
    q = case.make(*parameters)
    kl = ops.convert_to_numpy(kl_divergence(q, q))
    np.testing.assert_allclose(kl, np.zeros((4, 3)), atol=1e-6)


@every_case
def test_samples_follow_the_distribution(name):
    case, parameters = CASES[name], mild(name, (3,))
    samples = ops.convert_to_numpy(case.make(*parameters).sample(5000, seed=1))
    assert samples.shape == (5000, 3)
    for column, one in zip(
        samples.T, zip(*parameters, strict=True), strict=True
    ):
        frozen = case.frozen(*float64(one))
        if case.discrete:
            points, counts = np.unique(column, return_counts=True)
            test = scipy.stats.chisquare(counts, 5000 * frozen.pmf(points))
        else:
            test = scipy.stats.kstest(column, frozen.cdf)
        # One seed in 10,000 would fail by chance; this one does not.
        assert test.pvalue > 1e-4


@every_case
def test_columns_of_a_sample_are_independent(name):
    case = CASES[name]
    parameters = [np.broadcast_to(one, (2,)) for one in mild(name, ())]
    samples = ops.convert_to_numpy(case.make(*parameters).sample(5000, seed=2))
    correlation = np.corrcoef(samples.T)[0, 1]
    assert abs(correlation) < 5 / np.sqrt(5000)


@every_case
@pytest.mark.parametrize("num_samples", [None, 1, 4])
@pytest.mark.parametrize("event_ndim", [0, 1, 2, 3])
def test_sample_shapes_and_seeds(name, num_samples, event_ndim):
    case = CASES[name]
    distribution = case.make(*mild(name, SHAPE), event_ndim=event_ndim)
    lead = () if num_samples is None else (num_samples,)
    draw = [
        ops.convert_to_numpy(distribution.sample(num_samples, seed=seed))
        for seed in (0, 0, 1)
    ]
    assert draw[0].shape == (*lead, *SHAPE)
    np.testing.assert_array_equal(draw[0], draw[1])
    assert (draw[0] != draw[2]).any()


@every_case
def test_a_generator_moves_on(name):
    distribution = CASES[name].make(*mild(name, SHAPE))
    seed = keras.random.SeedGenerator(0)
    first, second = (
        ops.convert_to_numpy(distribution.sample(seed=seed)) for _ in range(2)
    )
    assert (first != second).any()


REPARAMETERISED = [name for name, case in CASES.items() if not case.discrete]


@pytest.mark.parametrize("name", REPARAMETERISED)
@pytest.mark.parametrize("event_ndim", [0, 1, 2, 3])
def test_samples_are_a_function_of_noise(name, event_ndim):
    distribution = CASES[name].make(*mild(name, SHAPE), event_ndim=event_ndim)
    shape = (2, *distribution.batch_shape, distribution.num_normals)
    noise = keras.random.normal(shape, seed=3)
    np.testing.assert_array_equal(
        ops.convert_to_numpy(distribution.from_noise(noise)),
        ops.convert_to_numpy(distribution.sample(2, seed=3)),
    )


@every_case
@pytest.mark.parametrize(
    ("event_ndim", "bounds"), [(4, "rank of `.*`, 3"), (-1, "event_ndim=-1")]
)
def test_event_ndim_must_fit(name, event_ndim, bounds):
    message = f"`event_ndim` must lie between 0 and the {bounds}"
    if event_ndim < 0:
        message = bounds
    with pytest.raises(ValueError, match=message):
        CASES[name].make(*mild(name, SHAPE), event_ndim=event_ndim)


@every_case
def test_whole_numbers_as_parameters_are_real_numbers(name):
    case = CASES[name]
    parameters = [np.ones(3, "int32") for _ in mild(name, (3,))]
    whole = case.make(*parameters)
    real = case.make(*(one.astype("float32") for one in parameters))
    for method in (
        lambda one: one.log_prob(np.zeros(3, "float32")),
        lambda one: one.entropy(),
        lambda one: one.mean(),
        lambda one: one.sample(seed=0),
    ):
        np.testing.assert_allclose(
            ops.convert_to_numpy(method(whole)),
            ops.convert_to_numpy(method(real)),
        )


@every_case
def test_whole_numbers_as_values_are_real_numbers(name):
    distribution = CASES[name].make(*mild(name, (3,)))
    np.testing.assert_allclose(
        ops.convert_to_numpy(distribution.log_prob(np.ones(3, "uint8"))),
        ops.convert_to_numpy(distribution.log_prob(np.ones(3, "float32"))),
    )
