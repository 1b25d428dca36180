"""The importance-weighted bound by the score function."""

import math
from typing import Any

from keras import ops

from keras_vae.objectives.elbo import elbo_terms
from keras_vae.objectives.gradients import with_gradient_of
from keras_vae.objectives.importance import (
    log_mean_weight,
    log_weights,
    normalized_weights,
)
from keras_vae.objectives.objective import (
    ELBOTerms,
    Evidence,
    Objective,
    registry,
)
from keras_vae.types import Tensor
from keras_vae.validation import positive_int, require


def leave_one_out_bounds(log_w: Tensor) -> Tensor:
    """The bound without each sample's own weight.

    In its place stands the geometric mean of the others' weights.

    Args:
        log_w: Tensor `(num_samples, batch)` nats, at least 2 samples.

    Returns:
        Tensor `(num_samples, batch)` nats.
    """
    size = int(log_w.shape[0])
    others = ops.sum(log_w, axis=0, keepdims=True) - log_w
    own = ops.reshape(ops.eye(size, dtype="bool"), (size, size, 1))
    # [k, j]: the weight of sample j where that of sample k is replaced
    replaced = ops.where(
        own, ops.expand_dims(others / (size - 1), 1), ops.expand_dims(log_w, 0)
    )
    return ops.logsumexp(replaced, axis=1) - math.log(size)


@registry.register("vimco")
class VIMCO(Objective):
    """The importance-weighted bound, for a q that is not reparameterised.

    Minimises what `IWAE` does. The encoder's gradient is that of the score
    function, each sample's signal being the bound less the bound without
    that sample. It needs a log q(z|x) in closed form.
    Source: Mnih & Rezende, 2016, https://arxiv.org/abs/1602.06725.

    The logged `kl` is the Monte Carlo estimate from the samples.

    Args:
        num_samples: Integer, at least 2, latents drawn per example.
            Defaults to `5`.

    Raises:
        TypeError: if `num_samples` is no integer.
        ValueError: if `num_samples` is below 2.

    Example:
    >>> objective = keras_vae.objectives.VIMCO(num_samples=10)
    """

    extra_terms = ("iw_elbo",)

    def __init__(self, num_samples: int = 5) -> None:
        fix = "Pass e.g. `VIMCO(num_samples=5)`."
        self.num_samples = positive_int("num_samples", num_samples, fix)
        require(
            self.num_samples > 1,
            "`num_samples` must be at least 2. Received: "
            f"num_samples={num_samples!r}. {fix}",
        )

    def prepare(self, z: Tensor) -> tuple[Tensor, Tensor | None]:
        return ops.stop_gradient(z), None

    def terms(self, evidence: Evidence) -> ELBOTerms:
        return elbo_terms(evidence, "monte_carlo")

    def extras(
        self, evidence: Evidence, terms: ELBOTerms
    ) -> tuple[Tensor, ...]:
        del terms
        return (log_mean_weight(log_weights(evidence)),)

    def loss(
        self, evidence: Evidence, terms: ELBOTerms, step: Tensor
    ) -> Tensor:
        del terms, step
        log_w = log_weights(evidence)
        bound = log_mean_weight(log_w)
        signal = bound - leave_one_out_bounds(log_w)
        weights = normalized_weights(log_w)
        # grad bound = sum_k signal_k grad log q_k + w~_k grad log w_k
        score = ops.stop_gradient(signal) * evidence.log_posterior
        direct = ops.stop_gradient(weights) * log_w
        return with_gradient_of(-bound, -ops.sum(score + direct, axis=0))

    def get_config(self) -> dict[str, Any]:
        return {"num_samples": self.num_samples}
