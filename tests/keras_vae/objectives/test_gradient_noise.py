"""The gradient estimators over many draws: means, noise and what vanishes."""

import numpy as np
import pytest

from keras_vae.objectives import (
    CIWAE,
    ELBO,
    IWAE,
    MIWAE,
    PIWAE,
    VIMCO,
    ScoreFunction,
)
from tests.keras_vae.objectives.linear_vae import (
    displace_posterior,
    fix_noise,
    gradients_of,
    make_data,
    make_linear_vae,
    name_of,
    probabilistic_pca,
    record,
    set_linear,
    sigma_points,
)

X = make_data(200, event_dim=5, latent_dim=2, noises=0.6)
MODEL = probabilistic_pca(X.astype("float64"), 2)[0]
FEW = X[:4]


def vae_with(objective, displaced=True):
    """The optimum, or a VAE near it whose posterior is not exact."""
    vae = set_linear(make_linear_vae(5, 2, objective), MODEL)
    if displaced:
        displace_posterior(vae)
    return record(vae)


# --- At the optimum: the encoder's gradient vanishes ------------------------


def draws_of(vae, x, num_draws):
    """Gradients of `num_draws` steps, `(num_draws, num_weights)` by part."""
    steps = [gradients_of(vae, x) for _ in range(num_draws)]
    return {part: np.stack([one[part] for one in steps]) for part in steps[0]}


@pytest.fixture(scope="module")
def noise_of_reparameterized():
    draws = draws_of(vae_with(IWAE(4), displaced=False), X, 20)["encoder"]
    return draws


def test_the_reparameterized_gradient_is_noisy(noise_of_reparameterized):
    draws = noise_of_reparameterized
    error = draws.std(axis=0, ddof=1) / len(draws) ** 0.5
    assert error.min() > 1e-3
    assert (np.abs(draws.mean(axis=0)) < 5 * error).all()


@pytest.mark.parametrize(
    "objective",
    [
        IWAE(1, "stl"),
        IWAE(4, "stl"),
        IWAE(1, "dreg"),
        IWAE(4, "dreg"),
        MIWAE(2, 2, "dreg"),
        PIWAE(2, 2, "stl"),
        CIWAE(4, 0.3, "dreg"),
    ],
    ids=name_of,
)
def test_the_encoders_gradient_vanishes_at_the_optimum(
    noise_of_reparameterized, objective
):
    vae = vae_with(objective, displaced=False)
    draws = draws_of(vae, X, 3)
    spread = noise_of_reparameterized.std()
    assert np.abs(draws["encoder"]).max() < 1e-3 * spread
    # It is the encoder's alone: the decoder still learns from its draws.
    assert draws["decoder"].std(axis=0).max() > 0.1 * spread


# --- Elsewhere: the estimators agree in mean --------------------------------

COPIES = 400
STEPS = 25


@pytest.fixture(scope="module")
def mean_gradient():
    """Mean and standard error of an objective's gradient, over 10^4 draws."""
    known = {}

    def run(objective):
        key = name_of(objective)
        if key not in known:
            x = np.tile(FEW, (COPIES, 1))
            draws = draws_of(vae_with(objective), x, STEPS)
            known[key] = {
                part: (one.mean(axis=0), one.std(axis=0, ddof=1) / STEPS**0.5)
                for part, one in draws.items()
            }
        return known[key]

    return run


@pytest.fixture(scope="module")
def exact_gradient():
    """The ELBO's own gradient: its noise is integrated out."""
    vae = vae_with(ELBO(num_samples=4))
    return gradients_of(fix_noise(vae, sigma_points(2)), FEW)


@pytest.mark.parametrize(
    "objective",
    [
        ELBO(num_samples=4),
        ELBO(num_samples=4, kl="monte_carlo"),
        MIWAE(4, 1, "stl"),
        ScoreFunction(num_samples=4, baseline="none"),
        ScoreFunction(num_samples=4),
        ScoreFunction(num_samples=4, kl="monte_carlo"),
    ],
    ids=name_of,
)
@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_the_gradient_is_the_elbos_in_mean(
    mean_gradient, exact_gradient, objective, part
):
    mean, error = mean_gradient(objective)[part]
    assert error.max() < 0.2 * np.abs(exact_gradient[part]).max()
    np.testing.assert_array_less(
        np.abs(mean - exact_gradient[part]), 5 * error + 1e-5
    )


def gaps(mean_gradient, objective, other, part):
    """Differences of two means, in standard errors."""
    (mean, error), (other_mean, other_error) = (
        mean_gradient(one)[part] for one in (objective, other)
    )
    both = np.sqrt(error**2 + other_error**2)
    assert both.max() < 0.2 * np.abs(other_mean).max()
    return np.abs(mean - other_mean) / both


@pytest.mark.parametrize(
    ("objective", "other"),
    [
        (IWAE(4, "dreg"), IWAE(4)),
        (VIMCO(4), IWAE(4)),
        (MIWAE(2, 2, "dreg"), MIWAE(2, 2)),
    ],
    ids=name_of,
)
@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_the_gradients_of_a_bound_agree_in_mean(
    mean_gradient, objective, other, part
):
    assert gaps(mean_gradient, objective, other, part).max() < 5


def test_stl_with_several_samples_is_biased_away_from_the_optimum(
    mean_gradient,
):
    """Its docstring says so; DReG, which is not, stands in the test above."""
    stl, reference = IWAE(4, "stl"), IWAE(4)
    assert gaps(mean_gradient, stl, reference, "encoder").max() > 10
    assert gaps(mean_gradient, stl, reference, "decoder").max() < 5


def test_the_noise_of_the_estimators(mean_gradient):
    """Near the optimum: DReG is the quietest, the score function loudest."""
    noise = {
        name: np.square(mean_gradient(objective)["encoder"][1]).sum()
        for name, objective in {
            "dreg": IWAE(4, "dreg"),
            "reparameterized": IWAE(4),
            "elbo": ELBO(num_samples=4),
            "score": ScoreFunction(num_samples=4, baseline="none"),
            "baseline": ScoreFunction(num_samples=4),
        }.items()
    }
    assert 10 * noise["dreg"] < noise["reparameterized"]
    assert 5 * noise["elbo"] < noise["score"]
    assert 2 * noise["baseline"] < noise["score"]
