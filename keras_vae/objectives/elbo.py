"""The evidence lower bound."""

from typing import Any

import keras
from keras import ops

from keras_vae.distributions import kl_divergence
from keras_vae.distributions.distribution import check_same_measure
from keras_vae.objectives import kl_penalty, schedules
from keras_vae.objectives.objective import (
    ELBOTerms,
    Evidence,
    Objective,
    registry,
)
from keras_vae.types import Tensor
from keras_vae.validation import one_of, positive_int, require

KLS = ("analytic", "monte_carlo")


def monte_carlo_kl(evidence: Evidence) -> Tensor:
    """Estimates KL(q || p) from the samples, `(batch,)` nats.

    Source: Kingma & Welling, 2014, equation 6.

    Raises:
        ValueError: if the densities of q and p are by different measures.
    """
    check_same_measure(evidence.posterior, evidence.prior)
    return ops.mean(evidence.log_posterior - evidence.log_prior, axis=0)


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
    reconstruction = ops.mean(evidence.log_likelihood, axis=0)
    if kl == "analytic":
        divergence = kl_divergence(evidence.posterior, evidence.prior)
    else:
        divergence = monte_carlo_kl(evidence)
    return ELBOTerms(reconstruction - divergence, reconstruction, divergence)


@registry.register("elbo")
class ELBO(Objective):
    """The negative ELBO with a weight on its KL.

    Minimises `-(log_likelihood - kl_weight * kl)`. The weight (beta) never
    enters what is called ELBO, nor do the two changes of the KL below; the
    logged `elbo` and `kl` are without them.
    Source: Kingma & Welling, 2014, equation 7,
    https://arxiv.org/abs/1312.6114; the weight: Higgins et al., 2017,
    equation 4.

    Free bits charge each group of latents at least `free_bits` nats, so that
    a KL below them costs nothing and no group is switched off early. The
    mean over the batch is clamped, not each example's KL.
    Source: Kingma et al., 2016, appendix C.8,
    https://arxiv.org/abs/1606.04934.

    A capacity draws the batch's mean KL towards itself, from above and from
    below: `kl_weight * |kl - capacity|`, with a large weight (the paper's
    gamma, 1,000) and a rising capacity.
    Source: Burgess et al., 2018, equation 8,
    https://arxiv.org/abs/1804.03599.

    Args:
        kl_weight: Non-negative float, or a `Schedule` of training steps.
            Defaults to `1.0`.
        num_samples: Positive integer, latents drawn per example. Defaults
            to `1`.
        kl: `"analytic"` for the registered closed form, `"monte_carlo"`
            for an estimate from the samples. Defaults to `"analytic"`.
        free_bits: Non-negative float, nats for each group; 0 for none.
            Defaults to `0.0`.
        free_bits_groups: Integer, the number of equal runs of latents that
            are a group each; `1` takes the whole KL. `None` makes each
            latent a group. All but `1` need a posterior and a prior that
            are normal with independent dimensions. Defaults to `None`.
        capacity: Non-negative float or `Schedule`, nats; or `None` for
            none. Defaults to `None`.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if an argument is out of its range, or two of them
            exclude each other.

    Example:
    >>> objective = keras_vae.objectives.ELBO(kl_weight=4.0)
    """

    def __init__(
        self,
        kl_weight: float | schedules.Schedule = 1.0,
        num_samples: int = 1,
        kl: str = "analytic",
        free_bits: float = 0.0,
        free_bits_groups: int | None = None,
        capacity: float | schedules.Schedule | None = None,
    ) -> None:
        self.kl_weight = schedules.get(kl_weight)
        self.num_samples = positive_int(
            "num_samples", num_samples, "Pass e.g. `ELBO(num_samples=1)`."
        )
        self.kl = one_of("kl", kl, KLS, 'Pass e.g. `ELBO(kl="analytic")`.')
        self.needs_log_q = self.kl == "monte_carlo"
        self.free_bits = schedules.weight("free_bits", free_bits)
        self.free_bits_groups = free_bits_groups
        if free_bits_groups is not None:
            self.free_bits_groups = positive_int(
                "free_bits_groups",
                free_bits_groups,
                "Pass e.g. `ELBO(free_bits=0.5, free_bits_groups=1)`.",
            )
        self.capacity = None
        if capacity is not None:
            self.capacity = schedules.get(capacity, "capacity")
        self._check_combination()

    def _check_combination(self) -> None:
        require(
            self.capacity is None or not self.free_bits,
            "`capacity` must be left out where `free_bits` are given: each "
            "changes the KL. Received: capacity="
            f"{_shown(self.capacity)}, free_bits={self.free_bits}. Pass e.g. "
            "`ELBO(free_bits=0.5)`.",
        )
        require(
            self.kl == "analytic"
            or not self.free_bits
            or self.free_bits_groups == 1,
            "`free_bits_groups` must be 1 where the KL is estimated from "
            "samples, which give it as a whole. Received: "
            f"free_bits_groups={self.free_bits_groups!r}. Pass e.g. "
            '`ELBO(kl="monte_carlo", free_bits=4.0, free_bits_groups=1)`.',
        )

    def terms(self, evidence: Evidence) -> ELBOTerms:
        return elbo_terms(evidence, self.kl)

    def loss(
        self, evidence: Evidence, terms: ELBOTerms, step: Tensor
    ) -> Tensor:
        kl = terms.kl
        if self.free_bits:
            kl = self._with_free_bits(evidence, kl)
        if self.capacity is not None:
            kl = kl_penalty.distance_to(self.capacity(step), kl)
        return self.kl_weight(step) * kl - terms.log_likelihood

    def _with_free_bits(self, evidence: Evidence, kl: Tensor) -> Tensor:
        groups = ops.expand_dims(kl, axis=-1)
        if self.free_bits_groups != 1:
            groups = kl_penalty.grouped_kl(
                kl_penalty.kl_per_dimension(evidence.posterior, evidence.prior),
                self.free_bits_groups,
            )
        return kl_penalty.with_free_bits(groups, self.free_bits)

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        return {
            "kl_weight": serialize(self.kl_weight),
            "num_samples": self.num_samples,
            "kl": self.kl,
            "free_bits": self.free_bits,
            "free_bits_groups": self.free_bits_groups,
            "capacity": serialize(self.capacity),
        }


def _shown(schedule: schedules.Schedule | None) -> str:
    if isinstance(schedule, schedules.Constant):
        return str(schedule.value)
    return type(schedule).__name__
