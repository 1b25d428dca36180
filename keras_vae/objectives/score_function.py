"""The ELBO with the score-function estimator of its gradient."""

from typing import Any

import keras
from keras import ops

from keras_vae.objectives import schedules
from keras_vae.objectives.elbo import KLS, elbo_terms
from keras_vae.objectives.gradients import with_gradient_of
from keras_vae.objectives.objective import (
    ELBOTerms,
    Evidence,
    Objective,
    registry,
)
from keras_vae.types import Tensor
from keras_vae.validation import one_of, positive_int, require


@registry.register("score_function")
class ScoreFunction(Objective):
    """The negative ELBO; the encoder's gradient by the score function.

    The gradient of E_q[f(z)] is E_q[f(z) grad log q(z|x)] (REINFORCE): no
    gradient passes through z, so that q need not be reparameterised, at the
    price of a variance that is larger by orders of magnitude. It needs a
    log q(z|x) in closed form. Value and expected gradient are those of
    `ELBO`.
    Source: Williams, 1992, https://doi.org/10.1007/BF00992696; for
    variational inference: Paisley et al., 2012, section 3,
    https://arxiv.org/abs/1206.6430; the baseline: Mnih & Rezende, 2016,
    https://arxiv.org/abs/1602.06725.

    Args:
        kl_weight: Non-negative float, or a `Schedule` of training steps.
            Defaults to `1.0`.
        num_samples: Positive integer, latents drawn per example. Defaults
            to `2`.
        baseline: `"leave_one_out"`, which takes from each sample's f the
            mean of the others' and so leaves the expected gradient as it
            is, or `"none"`. Defaults to `"leave_one_out"`.
        kl: `"analytic"`, whose exact gradient then takes part, or
            `"monte_carlo"`, which is a part of f. Defaults to
            `"analytic"`.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if an argument is out of its range, or the baseline is
            asked of one sample.

    Example:
    >>> objective = keras_vae.objectives.ScoreFunction(num_samples=10)
    """

    def __init__(
        self,
        kl_weight: float | schedules.Schedule = 1.0,
        num_samples: int = 2,
        baseline: str = "leave_one_out",
        kl: str = "analytic",
    ) -> None:
        self.kl_weight = schedules.get(kl_weight)
        fix = "Pass e.g. `ScoreFunction(num_samples=2)`."
        self.num_samples = positive_int("num_samples", num_samples, fix)
        self.baseline = one_of(
            "baseline",
            baseline,
            ("leave_one_out", "none"),
            'Pass e.g. `ScoreFunction(baseline="none")`.',
        )
        self.kl = one_of(
            "kl", kl, KLS, 'Pass e.g. `ScoreFunction(kl="analytic")`.'
        )
        require(
            self.num_samples > 1 or self.baseline == "none",
            "`num_samples` must be at least 2 for the leave-one-out "
            f"baseline. Received: num_samples={num_samples!r}. Pass e.g. "
            '`ScoreFunction(num_samples=1, baseline="none")`.',
        )

    def prepare(self, z: Tensor) -> tuple[Tensor, Tensor | None]:
        return ops.stop_gradient(z), None

    def terms(self, evidence: Evidence) -> ELBOTerms:
        return elbo_terms(evidence, self.kl)

    def loss(
        self, evidence: Evidence, terms: ELBOTerms, step: Tensor
    ) -> Tensor:
        weight = self.kl_weight(step)
        # Their own gradients are the decoder's, the prior's and, where the
        # KL is analytic, the encoder's by the KL.
        direct = ops.mean(evidence.log_likelihood, axis=0)
        signal = evidence.log_likelihood
        if self.kl == "analytic":
            direct = direct - weight * terms.kl
        else:
            log_ratio = evidence.log_prior - evidence.log_posterior
            direct = direct + weight * ops.mean(evidence.log_prior, axis=0)
            signal = signal + weight * log_ratio
        signal = ops.stop_gradient(self._centred(signal))
        score = ops.mean(signal * evidence.log_posterior, axis=0)
        value = weight * terms.kl - terms.log_likelihood
        return with_gradient_of(value, -(direct + score))

    def _centred(self, signal: Tensor) -> Tensor:
        if self.baseline == "none":
            return signal
        others = ops.sum(signal, axis=0, keepdims=True) - signal
        return signal - others / (self.num_samples - 1)

    def get_config(self) -> dict[str, Any]:
        return {
            "kl_weight": keras.saving.serialize_keras_object(self.kl_weight),
            "num_samples": self.num_samples,
            "baseline": self.baseline,
            "kl": self.kl,
        }
