"""Every distribution over latents: densities, samples, divergences.

The rows stand in `latent_cases.py`.
"""

import keras
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.special
import scipy.stats
from keras import ops

from keras_vae import distributions
from tests.keras_vae.distributions.latent_cases import (
    ALL,
    LATENT_CLASSES,
    MAKERS,
    compiled,
    float32,
)

NUM_SAMPLES = 4000
every_case = pytest.mark.parametrize("name", MAKERS)


@pytest.fixture(scope="module")
def case():
    """Makes a row, and its samples, once."""
    made = {}

    def get(name):
        if name not in made:
            one = MAKERS[name]()
            noise = one.distribution.draw_noise(NUM_SAMPLES, seed=0)
            draw = compiled(one.distribution.from_noise_with_log_prob)
            pair = draw(*noise)
            made[name] = (one, *map(ops.convert_to_numpy, pair))
        return made[name]

    return get


def assert_nats(received, expected, tolerance=1e-5):
    """Relative above 1 nat, absolute below."""
    bound = tolerance * np.maximum(1, np.abs(expected))
    received = ops.convert_to_numpy(received)
    np.testing.assert_array_less(np.abs(received - expected), bound)


def test_every_latent_distribution_has_a_row():
    assert {type(make().distribution) for make in MAKERS.values()} == (
        LATENT_CLASSES
    )


@every_case
def test_log_prob_matches_scipy(name, case):
    one, x, _ = case(name)
    if "log_prob" not in one.closed:
        with pytest.raises(NotImplementedError, match="no closed form"):
            one.distribution.log_prob(x)
        return
    x = x[:200]
    expected = one.log_prob(x.astype("float64"))
    log_prob = compiled(one.distribution.log_prob)
    assert_nats(log_prob(x), expected)
    assert_nats(log_prob(x[0]), expected[0])


@every_case
def test_the_density_along_the_path_is_the_density(name, case):
    one, x, log_q = case(name)
    assert log_q.shape == x.shape[:-1]
    if "log_prob" in one.closed:
        log_prob = compiled(one.distribution.log_prob)
        assert_nats(log_prob(x), log_q, 2e-5)


@every_case
def test_samples_follow_the_law(name, case):
    one, x, _ = case(name)
    values = one.statistic(x.astype("float64")).reshape(NUM_SAMPLES, -1)
    laws = one.laws if isinstance(one.laws, list) else [one.laws]
    for column, law in zip(values.T, laws, strict=True):
        if isinstance(law, np.ndarray):
            counts = np.bincount(column.astype(int), minlength=len(law))
            test = scipy.stats.chisquare(counts, NUM_SAMPLES * law)
        else:
            test = scipy.stats.kstest(column, getattr(law, "cdf", law))
        assert test.pvalue > 1e-3


@every_case
def test_the_mean_of_samples_is_the_expectation(name, case):
    one, x, _ = case(name)
    if one.expectation is None:
        return  # `test_mean_is_a_representative_point` looks at these.
    error = x.std(axis=0) / np.sqrt(NUM_SAMPLES)
    gap = np.abs(x.mean(axis=0) - one.expectation)
    assert (gap < 5 * error + 1e-6).all()


MEANS = {
    "von_mises_fisher": lambda q: q.mean_direction,
    "relaxed_categorical": lambda q: ops.softmax(q.logits)[..., 0, :],
    "relaxed_bernoulli": lambda q: ops.sigmoid(q.logits),
    "transformed_coupling": lambda q: q.from_noise(ops.zeros((3, 2))),
    "transformed_planar": lambda q: q.from_noise(ops.zeros((3, 2))),
}


@every_case
def test_mean_is_the_expectation_or_the_documented_point(name, case):
    one = case(name)[0]
    expected = one.expectation
    if name in MEANS:
        expected = ops.convert_to_numpy(MEANS[name](one.distribution))
    mean = ops.convert_to_numpy(one.distribution.mean())
    np.testing.assert_allclose(mean, expected, 1e-5, 1e-6)


@every_case
def test_entropy_is_the_mean_surprise(name, case):
    one, _, log_q = case(name)
    if "entropy" not in one.closed:
        with pytest.raises(NotImplementedError, match="entropy.* closed form"):
            one.distribution.entropy()
        return
    entropy = ops.convert_to_numpy(one.distribution.entropy())
    error = log_q.std(axis=0) / np.sqrt(NUM_SAMPLES)
    gap = np.abs(entropy + log_q.mean(axis=0))
    assert (gap < 5 * error + 1e-5).all()


@every_case
def test_mode_is_denser_than_samples(name, case):
    one, _, log_q = case(name)
    if "mode" not in one.closed:
        with pytest.raises(NotImplementedError, match="mode"):
            one.distribution.mode()
        return
    log_prob = compiled(one.distribution.log_prob)
    top = log_prob(one.distribution.mode())
    assert (ops.convert_to_numpy(top) >= log_q.max(axis=0) - 1e-5).all()


@every_case
def test_stopped_is_the_same_distribution_or_an_error(name, case):
    one, x, log_q = case(name)
    if "stopped" not in one.closed:
        with pytest.raises(NotImplementedError, match="reparameterized"):
            one.distribution.stopped()
        return
    stopped = one.distribution.stopped()
    assert type(stopped) is type(one.distribution)
    assert_nats(compiled(stopped.log_prob)(x[:5]), log_q[:5], 2e-5)


@every_case
def test_sample_shapes_and_seeds(name, case):
    one = case(name)[0].distribution
    shape = (*one.batch_shape, *one.event_shape)
    from_noise = compiled(one.from_noise)
    draw = [
        ops.convert_to_numpy(from_noise(*one.draw_noise(4, seed=seed)))
        for seed in (0, 0, 1)
    ]
    assert draw[0].shape == (4, *shape)
    np.testing.assert_array_equal(draw[0], draw[1])
    assert (draw[0] != draw[2]).any()
    draws = compiled(lambda: (one.sample(seed=0), one.sample(2, seed=0)))()
    assert [tuple(draw.shape) for draw in draws] == [shape, (2, *shape)]


def test_normals_and_uniforms_of_a_seed_are_independent():
    """From one integer they would come from the same random bits."""
    normals, uniforms = case_noise("von_mises_fisher")
    # The first 12 of each: 13 columns of uniforms do not exist.
    correlations = [
        scipy.stats.spearmanr(normals[:, 0], column).statistic
        for column in uniforms.T
    ]
    ranks = np.argsort(np.argsort(normals.reshape(-1)[: uniforms.size]))
    flat = scipy.stats.spearmanr(ranks, uniforms.reshape(-1)).statistic
    bound = 5 / np.sqrt(len(normals))
    assert np.abs(correlations).max() < bound
    assert abs(flat) < 5 / np.sqrt(uniforms.size)


def case_noise(name):
    noise = MAKERS[name]().distribution.draw_noise(2000, seed=0)
    return [ops.convert_to_numpy(one)[:, 0] for one in noise]


# --- Integrals ---------------------------------------------------------------


def total_mass(distribution, points, volumes):
    log_prob = compiled(distribution.log_prob)(float32(points))
    log_prob = ops.convert_to_numpy(log_prob)
    return (np.exp(log_prob.astype("float64")) * volumes).sum()


def plane(limit=12.0, count=401):
    line = np.linspace(-limit, limit, count)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    return grid, (line[1] - line[0]) ** 2


@pytest.mark.parametrize("name", ["multivariate_normal", "mixture", "coupled"])
def test_densities_over_the_plane_integrate_to_one(name):
    grid, volume = plane()
    if name == "multivariate_normal":
        factor = float32([[1.0, 0.0], [1.5, 0.5]])
        one = distributions.MultivariateNormal(float32([0.3, -1]), factor)
    elif name == "mixture":
        scales = float32([[1.0, 0.5], [0.3, 2.0]])
        parts = distributions.Normal(float32([[0, 0], [3, -2]]), scales)
        one = distributions.Mixture(float32([0.0, 1.0]), parts)
    else:
        steps = MAKERS["transformed_coupling"]().distribution.bijectors
        base = distributions.Normal(np.zeros(2, "float32"), 0.8)
        one = distributions.Transformed(base, steps)
    assert total_mass(one, grid, volume) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 3.0])
def test_relaxed_categories_integrate_to_one(temperature):
    """Over the logarithms of ratios, where the density is smooth."""
    logits = float32([[1.0, -0.5, 0.2]])
    one = distributions.RelaxedCategorical(logits, temperature)
    grid, volume = plane(limit=20 / min(temperature, 1), count=801)
    ratios = np.concatenate([grid, np.zeros((len(grid), 1))], axis=-1)
    log_z = ratios - np.logaddexp.reduce(ratios, axis=-1)[:, None]
    # |d(z_1, z_2) / d(log-ratios)| = z_1 z_2 z_3
    volumes = np.exp(log_z.sum(-1)) * volume
    keep = log_z.min(-1) > -85  # What float32 can hold.
    assert total_mass(one, np.exp(log_z[keep]), volumes[keep]) == (
        pytest.approx(1, abs=2e-3)
    )


@pytest.mark.parametrize("logit", [0.0, 3.0, -9.0])
@pytest.mark.parametrize("temperature", [0.3, 1.0])
def test_relaxed_bits_integrate_to_one(logit, temperature):
    one = distributions.RelaxedBernoulli(float32([logit]), temperature)
    edge = np.log(2.0**20 - 1)
    ratios = np.linspace(-edge, edge, 20_001)[1:-1]
    z = float32(1 / (1 + np.exp(-ratios)))[:, None]
    exact = z[:, 0].astype("float64")
    inside = total_mass(one, z, exact * (1 - exact) * (ratios[1] - ratios[0]))
    ends = total_mass(one, float32([[0.0], [1.0]]), 1.0)
    assert inside + ends == pytest.approx(1, abs=3e-3)


@pytest.mark.parametrize("kappa", [0.05, 2.0, 100.0])
def test_the_circle_and_the_sphere_integrate_to_one(kappa):
    angles = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    mu = float32([np.cos(0.3), np.sin(0.3)])
    one = distributions.VonMisesFisher(mu, kappa)
    total = total_mass(one, circle, 2 * np.pi / 4000)
    assert total == pytest.approx(1, abs=1e-5)
    # On the sphere the height is uniform by the surface.
    heights = np.linspace(-1, 1, 20_001)
    across = np.sqrt(1 - heights**2)
    meridian = np.stack([heights, across, 0 * heights], axis=-1)
    one = distributions.VonMisesFisher(float32([1, 0, 0]), kappa)
    log_prob = ops.convert_to_numpy(compiled(one.log_prob)(float32(meridian)))
    density = 2 * np.pi * np.exp(log_prob.astype("float64"))
    total = scipy.integrate.simpson(density, x=heights)
    assert total == pytest.approx(1, abs=1e-4)


# --- Divergences -------------------------------------------------------------


def divergence(q, p):
    kl = compiled(lambda: distributions.kl_divergence(q, p))
    return ops.convert_to_numpy(kl())


def standard(dim, loc=0.0, scale=1.0):
    return distributions.Normal(np.full(dim, loc, "float32"), scale)


PAIRS = {
    "multivariate_to_standard": ("multivariate_normal", lambda: standard(4)),
    "multivariate_to_normal": (
        "multivariate_normal",
        lambda: standard(4, 0.5, float32([1.0, 2.0, 0.5, 3.0])),
    ),
    "multivariate_to_multivariate": (
        "multivariate_normal",
        lambda: distributions.MultivariateNormal(
            float32([0, 1, 0, 0]), float32(np.tril(np.ones((4, 4))))
        ),
    ),
    "householder_to_standard": ("householder_normal", lambda: standard(4)),
    "householder_to_normal": (
        "householder_normal",
        lambda: standard(4, 0.5, float32([1.0, 2.0, 0.5, 3.0])),
    ),
    "sphere": ("von_mises_fisher", lambda: distributions.UniformSphere(4)),
    "categories": (
        "straight_through_categorical",
        lambda: distributions.OneHotCategorical(np.zeros((2, 3), "float32")),
    ),
    "bits": (
        "straight_through_bernoulli",
        lambda: distributions.Bernoulli(float32([0.5, -1.0])),
    ),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_kl_lies_within_standard_errors_of_samples(pair, case):
    one, x, log_q = case(PAIRS[pair][0])
    p = PAIRS[pair][1]()
    ratios = log_q - ops.convert_to_numpy(p.log_prob(x))
    error = ratios.std(axis=0) / np.sqrt(NUM_SAMPLES)
    closed = divergence(one.distribution, p)
    assert closed.shape == (3,)
    assert (closed > 0).all()
    np.testing.assert_array_less(
        np.abs(ratios.mean(axis=0) - closed), 5 * error
    )


def test_kl_from_a_normal_to_a_multivariate_normal():
    p = MAKERS["multivariate_normal"]().distribution
    q = distributions.Normal(
        float32(np.ones((3, 4))), float32([[0.5, 1, 2, 3]])
    )
    full = distributions.MultivariateNormal(
        q.loc, float32(np.diag([0.5, 1, 2, 3]) + np.zeros((3, 1, 1)))
    )
    np.testing.assert_allclose(divergence(q, p), divergence(full, p), 1e-5)
    # Either side of the batch may stand alone.
    alone = distributions.Normal(q.loc[0], q.scale[0])
    np.testing.assert_allclose(divergence(alone, p), divergence(q, p), 1e-5)
    alone = distributions.MultivariateNormal(full.loc[0], full.scale_tril[0])
    np.testing.assert_allclose(divergence(alone, p), divergence(q, p), 1e-5)
    z = q.sample(NUM_SAMPLES, seed=0)
    ratios = ops.convert_to_numpy(q.log_prob(z) - p.log_prob(z))
    error = ratios.std(axis=0) / np.sqrt(NUM_SAMPLES)
    gap = np.abs(ratios.mean(axis=0) - divergence(q, p))
    np.testing.assert_array_less(gap, 5 * error)


def test_diagonal_covariances_give_the_normal_kl():
    loc, scale = float32([[1, -2, 0]]), float32([[0.5, 2, 1]])
    p = standard(3, 0.3, float32([1, 0.7, 3]))
    expected = divergence(distributions.Normal(loc, scale), p)
    full = distributions.MultivariateNormal(
        loc, float32(np.diag(scale[0]))[None]
    )
    # A reflection along one axis keeps the axes: it turns one sign.
    turned = distributions.HouseholderNormal(
        loc * float32([1, -1, 1]), scale, float32([[[0, 1, 0]]])
    )
    for q in (full, turned):
        np.testing.assert_allclose(divergence(q, p), expected, 1e-5)


@pytest.mark.parametrize("name", ["multivariate_normal", "one_hot_categorical"])
def test_kl_to_itself_is_zero(name, case):
    one = case(name)[0].distribution
    np.testing.assert_allclose(divergence(one, one), np.zeros(3), atol=1e-5)


def exact_sphere_kl(dim, kappa):
    """KL(vMF || uniform) by Bessel functions in float64."""
    order = dim / 2 - 1
    scaled = scipy.special.ive([order, order + 1], kappa)
    log_c = order * np.log(kappa) - dim / 2 * np.log(2 * np.pi)
    log_c -= np.log(scaled[0]) + kappa
    log_surface = np.log(2) + dim / 2 * np.log(np.pi)
    log_surface -= scipy.special.gammaln(dim / 2)
    return kappa * scaled[1] / scaled[0] + log_c + log_surface


@pytest.mark.parametrize("dim", [2, 3, 10, 50, 128])
def test_kl_on_the_sphere_matches_bessel_functions(dim):
    kappa = float32(dim * np.exp([-6, -3, -1, 0.0, 1, 3, 4, 6]))
    mu = float32(np.eye(dim)[[0] * len(kappa)])
    q = distributions.VonMisesFisher(mu, kappa)
    expected = [exact_sphere_kl(dim, one) for one in kappa.astype("float64")]
    received = divergence(q, distributions.UniformSphere(dim))
    assert_nats(received, np.array(expected), 3e-5)


@pytest.mark.parametrize("discrete_kl", [False, True])
def test_relaxed_to_discrete_has_a_kl_on_demand_alone(discrete_kl):
    logits = float32([[[1.0, 0.0]]])
    pairs = [
        (
            distributions.RelaxedCategorical(logits, 0.5, discrete_kl),
            distributions.OneHotCategorical(logits),
            distributions.OneHotCategorical(0 * logits),
        ),
        (
            distributions.RelaxedBernoulli(logits[:, 0], 0.5, discrete_kl),
            distributions.Bernoulli(logits[:, 0]),
            distributions.Bernoulli(0 * logits[:, 0]),
        ),
    ]
    for relaxed, discrete, prior in pairs:
        if discrete_kl:
            np.testing.assert_allclose(
                divergence(relaxed, prior), divergence(discrete, prior), 1e-6
            )
        else:
            with pytest.raises(NotImplementedError, match="discrete_kl=True"):
                divergence(relaxed, prior)
    with pytest.raises(NotImplementedError, match="monte_carlo"):
        divergence(pairs[0][0], pairs[0][0])


# --- What is one distribution's alone ---------------------------------------


def test_straight_through_values_are_exact_and_gradients_the_relaxations(
    gradient_of,
):
    uniforms = float32([0.2, 0.9, 0.5])
    logits, weights = float32([[0.1, 0.5, -1.0]]), float32([1.0, 2.0, 4.0])

    def hard(one):
        q = distributions.StraightThroughCategorical(one, 0.5)
        sample = q.from_noise(None, ops.convert_to_tensor(uniforms))
        return ops.sum(ops.multiply(sample, weights))

    def soft(one):
        q = distributions.RelaxedCategorical(one, 0.5)
        sample = q.from_noise(None, ops.convert_to_tensor(uniforms))
        return ops.sum(ops.multiply(sample, weights))

    assert float(hard(logits)) in (1.0, 2.0, 4.0)
    np.testing.assert_allclose(
        gradient_of(hard, logits), gradient_of(soft, logits), 1e-5
    )
    assert np.abs(gradient_of(hard, logits)).max() > 1e-3


def test_straight_through_bits_are_exact_and_gradients_the_relaxations(
    gradient_of,
):
    uniforms = float32([0.2, 0.9, 0.5])
    logits, weights = float32([0.1, 0.5, -1.0]), float32([1.0, 2.0, 4.0])

    def draw(cls):
        def value(one):
            noise = ops.convert_to_tensor(uniforms)
            sample = cls(one, 0.5).from_noise(None, noise)
            return ops.sum(ops.multiply(sample, weights))

        return value

    hard = draw(distributions.StraightThroughBernoulli)
    soft = draw(distributions.RelaxedBernoulli)
    assert float(hard(logits)) == 2.0
    np.testing.assert_allclose(
        gradient_of(hard, logits), gradient_of(soft, logits), 1e-5
    )


def quantile(dim, kappa, level):
    law = height_law64(dim, kappa)
    return scipy.optimize.brentq(lambda w: law(w) - level, -1, 1, xtol=1e-14)


def height_law64(dim, kappa):
    def density(angle):
        return np.sin(angle) ** (dim - 2) * np.exp(kappa * (np.cos(angle) - 1))

    nodes, weights = np.polynomial.legendre.leggauss(400)

    def integral(end):
        angles = 0.5 * end * (nodes + 1)
        return 0.5 * end * (weights * density(angles)).sum()

    whole = integral(np.pi)
    return lambda w: 1 - integral(np.arccos(w)) / whole


@pytest.mark.parametrize("dim", [2, 3, 8, 40])
@pytest.mark.parametrize("kappa", [0.1, 3.0, 60.0])
def test_the_gradient_of_a_height_is_that_of_its_quantile(
    dim, kappa, gradient_of
):
    """Against differences of the quantile function in float64."""
    from keras_vae.distributions.bessel import bessel_i_ratio
    from keras_vae.distributions.spherical_angle import height_with_gradient

    levels, step = [0.001, 0.2, 0.5, 0.9, 0.999], 1e-4 * kappa
    heights = [quantile(dim, kappa, level) for level in levels]
    slopes = [
        (
            quantile(dim, kappa + step, level)
            - quantile(dim, kappa - step, level)
        )
        / (2 * step)
        for level in levels
    ]
    missing = ops.convert_to_tensor(float32(1 - np.array(heights)))

    def total(concentration):
        mean = bessel_i_ratio(dim / 2 - 1, concentration)
        one = height_with_gradient(missing, concentration, dim, mean)
        return ops.sum(1 - one)

    received = gradient_of(compiled(total), np.full(5, kappa, "float32"))
    np.testing.assert_allclose(received, slopes, 2e-3, 1e-6)


def test_the_sample_gradient_of_the_sphere_is_unbiased(gradient_of):
    """d E[w] / d kappa = 1 - A^2 - (dim - 1) A / kappa, to 5 errors."""
    dim, kappa, count = 5, 4.0, 4000
    mu = np.eye(dim, dtype="float32")[1]
    one = distributions.VonMisesFisher(
        np.tile(mu, (count, 1)), np.full(count, kappa, "float32")
    )
    noise = one.draw_noise(seed=0)

    def heights(concentration):
        q = distributions.VonMisesFisher(one.mean_direction, concentration)
        return ops.sum(q.from_noise(*noise)[..., 1])

    slopes = gradient_of(compiled(heights), np.full(count, kappa, "float32"))
    ratio = scipy.special.ive(dim / 2, kappa) / scipy.special.ive(
        dim / 2 - 1, kappa
    )
    exact = 1 - ratio**2 - (dim - 1) / kappa * ratio
    error = slopes.std() / np.sqrt(count)
    assert abs(slopes.mean() - exact) < 5 * error
    assert error < 0.02 * exact


@pytest.mark.parametrize("dim", [2, 20])
def test_points_of_the_sphere_have_length_one(dim):
    mu = np.repeat(np.eye(dim, dtype="float32")[:2], 4, axis=0)
    kappa = float32([1e-3, 1.0, 1e3, 1e4] * 2)
    q = distributions.VonMisesFisher(mu, kappa)
    noise = q.draw_noise(50, seed=0)
    pair = compiled(q.from_noise_with_log_prob)(*noise)
    z, log_q = map(ops.convert_to_numpy, pair)
    np.testing.assert_allclose(np.linalg.norm(z, axis=-1), 1, atol=1e-5)
    assert np.isfinite(log_q).all()


def test_directions_around_the_mean_are_uniform():
    dim, count = 4, 4000
    mu = float32([0.5, 0.5, 0.5, 0.5])
    q = distributions.VonMisesFisher(mu, float32(5.0))
    draw = compiled(q.from_noise)(*q.draw_noise(count, seed=0))
    z = ops.convert_to_numpy(draw).astype("float64")
    around = z - (z @ mu)[:, None] * mu
    around /= np.linalg.norm(around, axis=-1, keepdims=True)
    beta = scipy.stats.beta((dim - 2) / 2, (dim - 2) / 2)
    for axis in np.float64([[1, -1, 0, 0], [0, 0, 1, -1], [1, 1, -1, -1]]):
        part = around @ (axis / np.linalg.norm(axis))
        assert scipy.stats.kstest((1 + part) / 2, beta.cdf).pvalue > 1e-3


def test_extreme_parameters_give_finite_answers():
    big = float32([[[-1e4, 0.0, 1e4]], [[1e4, 1e4, 1e4]]])
    for one in (
        distributions.OneHotCategorical(big),
        distributions.StraightThroughCategorical(big, 0.1),
        distributions.RelaxedCategorical(big, 0.1),
        distributions.StraightThroughBernoulli(big[:, 0], 0.1),
        distributions.RelaxedBernoulli(big[:, 0], 0.1),
    ):
        draw = compiled(one.from_noise_with_log_prob)
        x, log_q = draw(*one.draw_noise(50, seed=0))
        assert np.isfinite(ops.convert_to_numpy(x)).all()
        assert np.isfinite(ops.convert_to_numpy(log_q)).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: distributions.MultivariateNormal(
                np.zeros(3, "float32"), np.eye(2, dtype="float32")
            ),
            r"`scale_tril` must have the last axes \(3, 3\).*Received",
        ),
        (
            lambda: distributions.HouseholderNormal(
                np.zeros(3, "float32"), 1.0, np.ones((2, 4), "float32")
            ),
            r"`vectors` must have the last axes \(3,\)",
        ),
        (
            lambda: distributions.Mixture(
                np.zeros(3, "float32"), standard((2, 4))
            ),
            r"logits.shape=\(3,\) and components.batch_shape=\(2,\)",
        ),
        (
            lambda: distributions.OneHotCategorical(np.zeros(3, "float32")),
            r"`logits` must have shape \(..., num_variables, num_categories\)",
        ),
        (
            lambda: distributions.UniformSphere(1),
            "`dim` must be at least 2.*Received: dim=1",
        ),
        (
            lambda: distributions.VonMisesFisher(np.ones((2, 1)), np.ones(2)),
            "`dim` must be at least 2.*Received: dim=1",
        ),
        (
            lambda: divergence(
                distributions.OneHotCategorical(np.zeros((2, 3), "float32")),
                distributions.OneHotCategorical(np.zeros((3, 2), "float32")),
            ),
            r"Received: \(2, 3\) and \(3, 2\)",
        ),
    ],
)
def test_what_does_not_fit_is_an_error(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_densities_by_two_measures_are_not_compared():
    from keras_vae.distributions.distribution import check_same_measure

    sphere = distributions.UniformSphere(3)
    with pytest.raises(ValueError, match='UniformSphere by "sphere"'):
        check_same_measure(standard(3), sphere)
    check_same_measure(MAKERS["von_mises_fisher"]().distribution, sphere)
    weights = np.zeros(1, "float32")
    mixture = distributions.Mixture(
        weights,
        distributions.VonMisesFisher(
            np.eye(3, dtype="float32")[:1], float32([1.0])
        ),
    )
    check_same_measure(mixture, sphere)


def test_answers_are_float32_and_take_other_types(case):
    for name in MAKERS:
        one, x, log_q = case(name)
        assert x.dtype == log_q.dtype == "float32"
        if "log_prob" in one.closed:
            half = case(name)[1][0].astype("float16")
            log_prob = compiled(one.distribution.log_prob)(half)
            dtype = keras.backend.standardize_dtype(log_prob.dtype)
            assert dtype == "float32"


def test_all_is_what_a_case_may_close():
    assert all(make().closed <= ALL for make in MAKERS.values())
