"""The evidence lower bound."""

from typing import Any

import keras
from keras import ops

from keras_vae.distributions import kl_divergence
from keras_vae.objectives import schedules
from keras_vae.objectives.objective import (
    ELBOTerms,
    Evidence,
    Objective,
    registry,
)
from keras_vae.types import Tensor
from keras_vae.validation import one_of, positive_int


def log_likelihood(evidence: Evidence) -> Tensor:
    """Log p(x|z) of every sample, `(num_samples, batch)` nats."""
    return evidence.likelihood.log_prob(evidence.x)


def monte_carlo_kl(evidence: Evidence) -> Tensor:
    """Estimates KL(q || p) from the samples, `(batch,)` nats.

    Source: Kingma & Welling, 2014, equation 6.
    """
    log_prior = evidence.prior.log_prob(evidence.z)
    return ops.mean(evidence.log_q - log_prior, axis=0)


def elbo_terms(evidence: Evidence, kl: str = "analytic") -> ELBOTerms:
    """The ELBO and its terms, the one place where they are computed.

    Source: Kingma & Welling, 2014, equation 7 (analytic KL) and 6 (Monte
    Carlo), https://arxiv.org/abs/1312.6114.

    Args:
        evidence: The pass through the VAE.
        kl: `"analytic"` or `"monte_carlo"`.

    Returns:
        `ELBOTerms`, each `(batch,)` nats.

    Raises:
        NotImplementedError: if `kl="analytic"` and no closed form stands.
    """
    reconstruction = ops.mean(log_likelihood(evidence), axis=0)
    if kl == "analytic":
        divergence = kl_divergence(evidence.posterior, evidence.prior)
    else:
        divergence = monte_carlo_kl(evidence)
    return ELBOTerms(reconstruction - divergence, reconstruction, divergence)


@registry.register("elbo")
class ELBO(Objective):
    """The negative ELBO with a weight on its KL.

    Minimises `-(log_likelihood - kl_weight * kl)`. The weight (beta) never
    enters what is called ELBO.
    Source: Kingma & Welling, 2014, equation 7,
    https://arxiv.org/abs/1312.6114; the weight: Higgins et al., 2017,
    equation 4.

    Args:
        kl_weight: Non-negative float, or a `Schedule` of training steps.
            Defaults to `1.0`.
        num_samples: Positive integer, latents drawn per example. Defaults
            to `1`.
        kl: `"analytic"` for the registered closed form, `"monte_carlo"`
            for an estimate from the samples. Defaults to `"analytic"`.

    Raises:
        TypeError: if `kl_weight` is neither a number nor a schedule.
        ValueError: if an argument is out of its range.

    Example:
    >>> objective = keras_vae.objectives.ELBO(kl_weight=4.0)
    """

    def __init__(
        self,
        kl_weight: float | schedules.Schedule = 1.0,
        num_samples: int = 1,
        kl: str = "analytic",
    ) -> None:
        self.kl_weight = schedules.get(kl_weight)
        self.num_samples = positive_int(
            "num_samples", num_samples, "Pass e.g. `ELBO(num_samples=1)`."
        )
        self.kl = one_of(
            "kl",
            kl,
            ("analytic", "monte_carlo"),
            'Pass e.g. `ELBO(kl="analytic")`.',
        )
        self.needs_log_q = self.kl == "monte_carlo"

    def terms(self, evidence: Evidence) -> ELBOTerms:
        return elbo_terms(evidence, self.kl)

    def loss(
        self, evidence: Evidence, terms: ELBOTerms, step: Tensor
    ) -> Tensor:
        del evidence
        return self.kl_weight(step) * terms.kl - terms.log_likelihood

    def get_config(self) -> dict[str, Any]:
        return {
            "kl_weight": keras.saving.serialize_keras_object(self.kl_weight),
            "num_samples": self.num_samples,
            "kl": self.kl,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ELBO":
        config = dict(config)
        config["kl_weight"] = keras.saving.deserialize_keras_object(
            config["kl_weight"]
        )
        return cls(**config)
