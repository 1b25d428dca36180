"""Is the ELBO the log-likelihood less the KL, in nats per example?"""

import numpy as np

from keras_vae.distributions import Distribution
from keras_vae.distributions.kl import closed_form_kl
from keras_vae.models import VAE
from keras_vae.testing.failures import (
    check,
    check_close,
    check_equal,
    check_finite,
    to_numpy,
)
from keras_vae.testing.inputs import given

# A correct closed form fails one example in 1.7 million at this width.
_STANDARD_ERRORS = 5.0
# What float32 leaves of a difference of log-densities.
_ROUNDING = 1e-4


def check_elbo_identity(
    vae: VAE,
    x: np.ndarray,
    num_samples: int = 2000,
    seed: int = 0,
    condition: np.ndarray | None = None,
) -> None:
    """Checks the ELBO's terms against their definitions.

    `elbo = log_likelihood - kl`, each `(batch,)` and finite; the same seed
    gives the same terms; and the closed form of the KL, where one is
    registered, lies within 5 standard errors of its Monte Carlo estimate.

    Args:
        vae: VAE.
        x: Array `(batch, *event_shape)`.
        num_samples: Integer, samples of the estimate. Defaults to `2000`.
        seed: Integer for the noise. Defaults to `0`.
        condition: A `ConditionalVAE`'s labels or vectors, one an example.

    Raises:
        AssertionError: naming the term that is wrong.
    """
    also = given(condition)
    terms = vae.compute_elbo(x, num_samples=2, seed=seed, **also)
    for name, term in terms._asdict().items():
        check_equal(f"`{name}`'s shape", tuple(term.shape), (len(x),))
        check_finite(f"`{name}`", term)
    difference = to_numpy(terms.log_likelihood) - to_numpy(terms.kl)
    check_close("`elbo`", terms.elbo, difference, 1e-6, 1e-6)
    again = vae.compute_elbo(x, num_samples=2, seed=seed, **also)
    check_close("`elbo` of the same seed", again.elbo, terms.elbo, 1e-6, 1e-6)
    posterior = vae.encode(x, **also)
    _check_kl(posterior, vae.prior.distribution(), num_samples, seed)


def _check_kl(
    posterior: Distribution, prior: Distribution, num_samples: int, seed: int
) -> None:
    closed_form = closed_form_kl(posterior, prior)
    if closed_form is None:
        return
    kl = to_numpy(closed_form(posterior, prior))
    check(
        (kl >= -_ROUNDING).all(),
        f"`kl` must be at least 0. Received: {kl.min()}.",
    )
    z = posterior.sample(num_samples, seed=seed)
    log_ratios = to_numpy(posterior.log_prob(z)) - to_numpy(prior.log_prob(z))
    log_ratios = log_ratios.astype("float64")
    error = log_ratios.std(axis=0, ddof=1) / np.sqrt(num_samples)
    gap = np.abs(log_ratios.mean(axis=0) - kl)
    worst = int(np.argmax(gap - _STANDARD_ERRORS * error))
    check(
        gap[worst] <= _STANDARD_ERRORS * error[worst] + _ROUNDING,
        "The closed form of the KL must lie within 5 standard errors of its "
        f"Monte Carlo estimate. Received: {kl[worst]:g} for x[{worst}], "
        f"where {num_samples} samples give {log_ratios[:, worst].mean():g} "
        f"with a standard error of {error[worst]:g}.",
    )
