"""The likelihoods' distributions against scipy, sums, integrals, samples.

The rows, and the ranges of their parameters, stand in `likelihood_cases.py`.
"""

import keras
import numpy as np
import pytest
import scipy.stats
from keras import ops

from keras_vae import distributions
from tests.keras_vae.distributions.compiling import run, slope
from tests.keras_vae.distributions.likelihood_cases import CASES

every_case = pytest.mark.parametrize("name", CASES)
SHAPE = (4, 3, 5)
NUM_SAMPLES = 4000


def float64(arrays):
    return [np.asarray(array, "float64") for array in arrays]


def mild(name, shape=SHAPE, seed=0):
    return CASES[name].mild(np.random.default_rng(seed), shape)


def assert_nats(received, expected, tolerance=1e-5):
    """Relative above 1 nat, absolute below."""
    received = ops.convert_to_numpy(received)
    assert np.isfinite(expected).all()
    excess = np.abs(received - expected) / np.maximum(1, np.abs(expected))
    worst = np.unravel_index(np.argmax(excess), excess.shape)
    assert excess[worst] < tolerance, (received[worst], expected[worst], worst)


def log_prob_of(case, **options):
    """Log-probabilities as a function of x and the parameters."""
    return lambda x, *parameters: case.make(*parameters, **options).log_prob(x)


def answer_of(case, method, **options):
    """A method's answer as a function of the parameters."""

    def answer(*parameters):
        return getattr(case.make(*parameters), method)(**options)

    return answer


def log_density(case, parameters, x):
    frozen = case.frozen(*float64(parameters))
    x = np.asarray(x, "float64")
    return frozen.logpdf(x) if case.points is None else frozen.logpmf(x)


@every_case
def test_log_prob_matches_scipy(name):
    case, rng = CASES[name], np.random.default_rng(0)
    parameters = case.wide(rng, (100, 100))
    x = case.values(rng, *parameters)
    received = run(log_prob_of(case, event_ndim=0), x, *parameters)
    assert_nats(received, log_density(case, parameters, x))


@every_case
@pytest.mark.parametrize("event_ndim", [0, 1, 2, 3])
def test_events_are_summed(name, event_ndim):
    case, rng = CASES[name], np.random.default_rng(1)
    parameters = case.mild(rng, SHAPE)
    x = case.values(rng, *parameters)
    distribution = case.make(*parameters, event_ndim=event_ndim)
    expected = log_density(case, parameters, x)
    axes = tuple(range(3 - event_ndim, 3))
    received = run(log_prob_of(case, event_ndim=event_ndim), x, *parameters)
    assert_nats(received, expected.sum(axis=axes))
    assert tuple(distribution.batch_shape) == SHAPE[: 3 - event_ndim]
    assert tuple(distribution.event_shape) == SHAPE[3 - event_ndim :]


@every_case
def test_log_prob_takes_samples_of_x_and_of_parameters(name):
    case, rng = CASES[name], np.random.default_rng(0)
    parameters = case.mild(rng, SHAPE)
    x = np.stack([case.values(rng, *parameters) for _ in range(2)])
    log_prob = log_prob_of(case, event_ndim=2)
    stacked = [np.stack([one, one]) for one in parameters]
    first = run(log_prob, x[0], *parameters)
    for received in (
        run(log_prob, x, *parameters),
        run(log_prob, x[0], *stacked),
    ):
        assert received.shape == (2, 4)
        np.testing.assert_allclose(received[0], first, 1e-5, 1e-5)


@every_case
def test_masses_and_densities_add_up_to_one(name):
    case, parameters = CASES[name], mild(name, (20,))
    log_prob = log_prob_of(case, event_ndim=0)
    if case.points is not None:
        points = np.asarray(case.points, "float32")[:, None]
        masses = np.exp(run(log_prob, points, *parameters))
        np.testing.assert_allclose(masses.sum(axis=0), 1, atol=2e-5)
        return
    # In steps of equal expected mass, by scipy's quantiles, the density's
    # ratio to scipy's has the mean 1.
    frozen = case.frozen(*float64(parameters))
    if name == "continuous_bernoulli":
        grid = np.linspace(0, 1, 20001, dtype="float32")[:, None]
        density = run(log_prob, grid, *parameters)
        total = np.trapezoid(np.exp(density.astype("float64")), grid, axis=0)
    else:
        ranks = (np.arange(2000) + 0.5) / 2000
        x = frozen.ppf(ranks[:, None]).astype("float32")
        expected = frozen.logpdf(x.astype("float64"))
        ratio = run(log_prob, x, *parameters) - expected
        total = np.exp(ratio).mean(axis=0)
    np.testing.assert_allclose(total, 1, atol=1e-5)


@every_case
def test_mean_matches_scipy(name):
    case, parameters = CASES[name], mild(name)
    mean = run(answer_of(case, "mean"), *parameters)
    expected = case.frozen(*float64(parameters)).mean()
    np.testing.assert_allclose(mean, expected, 1e-5, 1e-5)


@every_case
def test_no_value_is_likelier_than_the_mode(name):
    case, parameters = CASES[name], mild(name)
    mode = run(answer_of(case, "mode"), *parameters)
    assert mode.shape == SHAPE
    if case.points is not None:
        others = np.asarray(case.points, "float32")
    else:
        rng = np.random.default_rng(1)
        far = np.stack([case.values(rng, *parameters) for _ in range(50)])
        others = np.concatenate([far, mode + 1e-2 * (far - mode)])
    inside = mode
    if name == "beta":  # an end is outside of the open interval
        inside = np.clip(mode, 1e-6, 1 - 1e-6)
        others = np.clip(others, 1e-6, 1 - 1e-6)
    best = log_density(case, parameters, inside)
    for x in others:
        assert (best >= log_density(case, parameters, x) - 1e-6).all()


@every_case
def test_entropy(name):
    case, parameters = CASES[name], mild(name)
    distribution = case.make(*parameters, event_ndim=2)
    if case.has_entropy:
        expected = case.frozen(*float64(parameters)).entropy()
        received = run(
            lambda *p: case.make(*p, event_ndim=2).entropy(), *parameters
        )
        assert_nats(received, expected.sum(axis=(1, 2)))
        return
    message = rf"`{type(distribution).__name__}.entropy` has no closed form"
    with pytest.raises(NotImplementedError, match=message):
        distribution.entropy()


def draw(case, parameters, **options):
    """Samples; XLA has no gamma variables for TensorFlow."""
    sample = answer_of(case, "sample", **options)
    if keras.backend.backend() == "jax":
        return run(sample, *parameters)
    return ops.convert_to_numpy(sample(*parameters))


def goodness_of_fit(case, column, parameters):
    """The p-value of a column of samples."""
    frozen = case.frozen(*float64(parameters))
    if case.points is None:
        return scipy.stats.kstest(column, frozen.cdf).pvalue
    points = np.asarray(case.points, "float64")
    expected = len(column) * np.array([frozen.pmf(p) for p in points]).ravel()
    nearest = np.abs(column[:, None] - points).argmin(axis=1)
    assert np.abs(column - points[nearest]).max() < 1e-6
    observed = np.bincount(nearest, minlength=len(points))
    # Neighbours are pooled until each pool is expected to hold 8.
    last = max(expected.sum() // 8 - 1, 0)
    pools = np.floor(np.cumsum(expected) / 8).clip(max=last).astype(int)
    observed, expected = (
        np.bincount(pools, weights=one) for one in (observed, expected)
    )
    observed, expected = observed[expected > 1], expected[expected > 1]
    expected = expected * observed.sum() / expected.sum()
    return scipy.stats.chisquare(observed, expected).pvalue


@every_case
def test_samples_follow_the_distribution(name):
    case, parameters = CASES[name], mild(name, (4,), seed=3)
    samples = draw(case, parameters, num_samples=NUM_SAMPLES, seed=1)
    assert samples.shape == (NUM_SAMPLES, 4)
    for n, column in enumerate(samples.T):
        one = [parameter[n] for parameter in parameters]
        assert goodness_of_fit(case, column, one) > 1e-3


@every_case
def test_columns_of_a_sample_are_independent(name):
    case = CASES[name]
    parameters = [np.stack([one] * 4) for one in mild(name, ())]
    samples = draw(case, parameters, num_samples=NUM_SAMPLES, seed=2)
    ranks = scipy.stats.rankdata(samples, axis=0)
    correlation = np.corrcoef(ranks.T) - np.eye(4)
    assert np.abs(correlation).max() < 5 / np.sqrt(NUM_SAMPLES)


@every_case
@pytest.mark.parametrize(("num_samples", "event_ndim"), [(None, 2), (2, 0)])
def test_sample_shapes_and_seeds(name, num_samples, event_ndim):
    # Both draw 2 x 6 elements, which a compiler has to meet once.
    shape = (2, 2, 3) if num_samples is None else (2, 3)
    distribution = CASES[name].make(*mild(name, shape), event_ndim=event_ndim)
    lead = () if num_samples is None else (num_samples,)
    generator = keras.random.SeedGenerator(0)
    draws = [
        ops.convert_to_numpy(distribution.sample(num_samples, seed=seed))
        for seed in (0, 0, 1, generator, generator)
    ]
    for draw in draws:
        assert draw.shape == (*lead, *shape)
        assert draw.dtype == "float32"
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()
    assert (draws[3] != draws[4]).any()


@every_case
def test_event_ndim_must_fit(name):
    for event_ndim in (4, -1):
        with pytest.raises(ValueError, match=f"event_ndim={event_ndim}"):
            CASES[name].make(*mild(name), event_ndim=event_ndim)


@every_case
def test_whole_numbers_are_real_numbers(name):
    case = CASES[name]
    logits = name.startswith("categorical")
    shape = (3, 5) if logits else (3,)
    whole = [np.ones(shape, "int32") for _ in mild(name, ())]
    if name == "beta":  # a mean of 1 is none
        whole[0] = np.full(shape, 0.5)
    real = [one.astype("float32") for one in whole]
    x = np.ones(3, "uint8") if case.points is not None else np.full(3, 0.5)
    received, expected = (
        [one.log_prob(x), one.mean(), one.mode(), one.sample(seed=0)]
        for one in (case.make(*whole), case.make(*real))
    )
    for ours, theirs in zip(received, expected, strict=True):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs)
        )


@every_case
def test_parameters_may_be_held_fixed(name):
    case, rng = CASES[name], np.random.default_rng(0)
    first, *others = case.mild(rng, (3,))
    x = case.values(rng, first, *others)

    def stopped(parameter, *others):
        distribution = case.make(parameter, *others).stopped()
        return distribution.log_prob(x) + 0.0 * ops.sum(parameter)

    def free(*parameters):
        return case.make(*parameters).log_prob(x)

    assert np.abs(slope(free, first, *others)).max() > 0
    assert np.abs(slope(stopped, first, *others)).max() == 0


EXTREMES = {
    "laplace": ([0.0], [1e-3, 1e3], [-1e6, 0.0, 1e6]),
    "student_t": ([1.01, 1e3], [0.0], [1e-3, 1e3], [-1e18, 0.0, 1e18]),
    "log_normal": ([-30.0, 30.0], [1e-3, 7.0], [1e-30, 1.0, 1e30]),
    "continuous_bernoulli": (
        [-1e6, -100.0, -1.0, 0.0, 1e-6, 1.0, 100.0, 1e6],
        [0.0, 0.5, 1.0],
    ),
    "beta": ([1e-3, 0.5, 0.999], [1e-3, 1e3], [1e-30, 0.5, 1 - 2**-24]),
    "poisson": ([1e-6, 1.0, 1e6], [0.0, 1.0, 2.0**24]),
    "negative_binomial": (
        [1e-6, 1.0, 1e6],
        [5e-5, 1.0, 2e4],
        [0.0, 1.0, 2.0**24],
    ),
    "zero_inflated_negative_binomial": (
        [1e-6, 1e6],
        [5e-5, 2e4],
        [-1e3, 0.0, 1e3],
        [0.0, 1.0, 2.0**24],
    ),
    "discretized_logistic": (
        [-1e4, -1.0, 0.0, 1.0, 1e4],
        [1e-3, 1e3],
        [0.0, 128 / 255, 1.0],
    ),
    "categorical": ([[0.0, -1e6, 1e6]], [0.0, 1.0, 2.0]),
    "categorical_unit": ([[0.0, -1e6, 1e6]], [0.0, 0.5, 1.0]),
}


@every_case
def test_gradients_are_finite_at_extremes(name):
    *choices, values = EXTREMES[name]
    if name.startswith("categorical"):
        x = np.float32(values)
        parameters = [np.tile(np.float32(choices[0]), (3, 1))]
    else:
        # Repeated to one size, which a compiler has to meet once.
        *parameters, x = (
            np.resize(one.astype("float32"), 60)
            for one in np.meshgrid(*choices, values)
        )
    for n in range(len(parameters)):
        first, others = parameters[n], parameters[:n] + parameters[n + 1 :]

        def log_prob(first, *others, n=n):
            own = [*others[:n], first, *others[n:]]
            return CASES[name].make(*own, event_ndim=0).log_prob(x)

        assert np.isfinite(slope(log_prob, first, *others)).all()
        assert np.isfinite(run(log_prob, first, *others)).all()


# --- What is one distribution's alone ---------------------------------------


def test_the_tail_of_student_t_is_a_power_beyond_float32_squares():
    p = distributions.StudentT(3.0, np.zeros(2, "float32"), 1.0, event_ndim=0)
    x = np.float32([1e20, 1e30])
    expected = scipy.stats.t(3).logpdf(1e6) - 4 * np.log(x / 1e6)
    assert_nats(p.log_prob(x), expected)


def test_student_t_has_no_mean_at_one_degree_of_freedom():
    p = distributions.StudentT(np.float32([1, 2]), np.ones(2), 1.0)
    np.testing.assert_array_equal(ops.convert_to_numpy(p.mean()), [np.nan, 1])


@pytest.mark.parametrize(
    ("loc", "concentration", "mode"),
    [(0.5, 1.0, 0.5), (0.3, 0.5, 0.0), (0.9, 1.5, 1.0), (0.5, 2.0, 0.5)],
)
def test_a_beta_without_a_peak_has_its_mode_at_an_end(loc, concentration, mode):
    p = distributions.Beta(np.float32(loc), concentration, event_ndim=0)
    assert float(p.mode()) == mode


def test_small_concentrations_give_no_nan():
    p = distributions.Beta(np.full(1000, 0.5, "float32"), 2e-3)
    samples = ops.convert_to_numpy(p.sample(seed=0))
    assert (samples > 0).all() and (samples < 1).all()
    assert 400 < (samples > 0.5).sum() < 600


@pytest.mark.parametrize(
    "scale", [9e-4, 2e-3, 3.9e-3, 4e-3, 0.01, 0.3, 10, 1e3]
)
def test_the_mean_of_levels_is_their_sum(scale):
    loc = np.linspace(-1.3, 1.3, 101).astype("float32")
    p = distributions.DiscretizedLogistic(loc, np.float32(scale), event_ndim=0)
    case = CASES["discretized_logistic"]
    expected = case.frozen(*float64([loc, np.float32(scale)])).mean()
    received = ops.convert_to_numpy(p.mean())
    np.testing.assert_allclose(received, expected, atol=4e-6)


@pytest.mark.parametrize("num_levels", [2, 10, 32])
def test_any_number_of_levels_is_a_distribution(num_levels):
    loc = np.linspace(-1.2, 1.2, 20).astype("float32")
    x = np.linspace(0, 1, num_levels).astype("float32")[:, None]
    for scale in (0.01, 0.1, 1.0):
        p = distributions.DiscretizedLogistic(loc, scale, 0, num_levels)
        masses = np.exp(ops.convert_to_numpy(p.log_prob(x)).astype("float64"))
        np.testing.assert_allclose(masses.sum(axis=0), 1, atol=1e-5)
        mean = (masses * x).sum(axis=0)
        np.testing.assert_allclose(
            ops.convert_to_numpy(p.mean()), mean, atol=2e-4
        )
        best = x[masses.argmax(axis=0), 0]
        mode = ops.convert_to_numpy(p.mode())
        here = np.abs(x - mode).argmin(axis=0)
        highest = masses.max(axis=0)
        np.testing.assert_allclose(masses[here, range(20)], highest, 1e-5)
        assert best.shape == mode.shape


@pytest.mark.parametrize(
    ("num_levels", "error", "message"),
    [(1, ValueError, "at least 2"), (2.5, TypeError, "num_levels=2.5")],
)
def test_the_number_of_levels_is_checked(num_levels, error, message):
    with pytest.raises(error, match=message):
        distributions.DiscretizedLogistic(0.0, 1.0, 0, num_levels)


def test_one_hot_values():
    logits = np.random.default_rng(0).normal(size=(7, 2, 3)).astype("float32")
    p = distributions.Categorical(logits, event_ndim=2, values="one_hot")
    plain = distributions.Categorical(logits, event_ndim=1)
    index = np.random.default_rng(1).integers(0, 3, (7, 2))
    x = np.eye(3, dtype="float32")[index]
    assert tuple(p.event_shape) == (2, 3) and tuple(p.batch_shape) == (7,)
    for ours, theirs in (
        (p.log_prob(x), plain.log_prob(index)),
        (p.entropy(), plain.entropy()),
        (ops.argmax(p.mode(), axis=-1), plain.mode()),
        (ops.argmax(p.sample(5, seed=0), axis=-1), plain.sample(5, seed=0)),
    ):
        np.testing.assert_allclose(
            ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs), 1e-6
        )
    np.testing.assert_allclose(
        ops.convert_to_numpy(p.mean()), scipy.special.softmax(logits, -1), 1e-5
    )
    np.testing.assert_array_equal(
        ops.convert_to_numpy(p.sample(5, seed=0)).sum(axis=-1), 1
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"values": "onehot"}, "`values` must be one of"),
        (
            {"values": "one_hot", "event_ndim": 0},
            "must be at least 1 for one-hot",
        ),
    ],
)
def test_the_values_of_a_categorical_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        distributions.Categorical(np.zeros((2, 3)), **options)
