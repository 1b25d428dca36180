"""Importance weighting: bounds on log p(x) from samples of q(z|x)."""

import math

from keras import ops

from keras_vae.objectives.elbo import elbo_terms
from keras_vae.objectives.gradients import tap, tapped, with_gradient_of
from keras_vae.objectives.objective import ELBOTerms, Evidence, Objective
from keras_vae.types import Tensor
from keras_vae.validation import one_of

GRADIENTS = ("reparameterized", "stl", "dreg")
# Weights below it count as it, lest those of the encoder, which are divided
# by them, be lost in rounding.
_SMALLEST_WEIGHT = 1e-8


def log_weights(evidence: Evidence) -> Tensor:
    """Log w = log p(x|z) + log p(z) - log q(z|x) of every sample.

    Source: Burda et al., 2016, equation 8,
    https://arxiv.org/abs/1509.00519.

    Returns:
        Tensor `(num_samples, batch)` nats.

    Raises:
        ValueError: if the densities of q and p are by different measures.
    """
    joint = evidence.log_likelihood + evidence.log_prior
    return joint - evidence.log_posterior


def log_sum_weights(evidence: Evidence) -> Tensor:
    """Log of the summed weights, `(batch,)` nats."""
    return ops.logsumexp(log_weights(evidence), axis=0)


def log_mean_weight(log_w: Tensor, num_groups: int = 1) -> Tensor:
    """Log 1/k sum_k w_k of each group of samples, averaged over groups.

    Args:
        log_w: Tensor `(num_samples, batch)` nats.
        num_groups: Integer that divides `num_samples`.

    Returns:
        Tensor `(batch,)` nats.
    """
    groups = _grouped(log_w, num_groups)
    bounds = ops.logsumexp(groups, axis=1) - math.log(groups.shape[1])
    return ops.mean(bounds, axis=0)


def normalized_weights(log_w: Tensor, num_groups: int = 1) -> Tensor:
    """Weights that sum to 1 in each group, `(num_samples, batch)`."""
    groups = _grouped(log_w, num_groups)
    sums = ops.logsumexp(groups, axis=1, keepdims=True)
    return ops.reshape(ops.exp(groups - sums), ops.shape(log_w))


def _grouped(log_w: Tensor, num_groups: int) -> Tensor:
    size = int(log_w.shape[0]) // num_groups
    return ops.reshape(log_w, (num_groups, size, -1))


def _taps(evidence: Evidence) -> Tensor:
    if evidence.taps is None:
        raise ValueError(
            "`Evidence.taps` must be what `objective.prepare(z)` returned. "
            "Received: taps=None. Decode the z that it returned, and pass "
            "e.g. `dataclasses.replace(evidence, taps=taps)`."
        )
    return evidence.taps


class ImportanceWeighted(Objective):
    """What the importance-weighted objectives have in common.

    The bound's gradient is a weighted sum over the samples z_k of the
    gradient of log w_k. What differs is the weights, and through which of
    their arguments the log w_k are differentiated:

    - `"reparameterized"`: through all (Burda et al., 2016, equation 14).
    - `"stl"`, sticking the landing: without the parameters of q in
      log q(z|x), whose gradient has mean zero for one sample. The encoder's
      gradient vanishes sample by sample where q is exact. With more than
      one sample in a bound it is biased wherever q is not exact (Tucker et
      al., 2019). Source: Roeder et al., 2017, section 3,
      https://arxiv.org/abs/1703.09194.
    - `"dreg"`, doubly reparameterised: the same, with the weights of the
      path through z squared, which removes that bias; it vanishes as STL's.
      Source: Tucker et al., 2019, the IWAE-DReG estimator,
      https://arxiv.org/abs/1810.04152.

    The decoder's and the prior's own gradients are the same in all three.
    The encoder and the decoder run once, whichever is asked for; the latter
    two need a posterior whose log-density has a closed form.

    The logged `kl` is the Monte Carlo estimate from the samples, and
    `iw_elbo` the bound with all of them in one group (Burda et al., 2016,
    equation 8).

    Args:
        gradient: `"reparameterized"`, `"stl"` or `"dreg"`.

    Raises:
        ValueError: if `gradient` is none of the three.
    """

    needs_log_q = True
    extra_terms = ("iw_elbo",)

    def __init__(self, gradient: str) -> None:
        self.gradient = one_of(
            "gradient",
            gradient,
            GRADIENTS,
            f'Pass e.g. `{type(self).__name__}(gradient="dreg")`.',
        )

    # --- What a subclass decides --------------------------------------------

    def bound(self, log_w: Tensor) -> Tensor:
        """The bound, `(batch,)` nats, from `(num_samples, batch)`."""
        raise NotImplementedError

    def decoder_weights(self, log_w: Tensor) -> Tensor:
        """The bound's derivative by each log w, of the shape of `log_w`."""
        raise NotImplementedError

    def encoder_weights(self, log_w: Tensor) -> Tensor:
        """The weights of the gradient through z and q."""
        raise NotImplementedError

    def separates(self) -> bool:
        """Whether the encoder's weights differ from the decoder's."""
        return self.gradient == "dreg"

    # --- What follows -------------------------------------------------------

    def prepare(self, z: Tensor) -> tuple[Tensor, Tensor | None]:
        return tap(z) if self.separates() else (z, None)

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
        joint = evidence.log_likelihood + evidence.log_prior
        log_q = self._log_q(evidence)
        log_w = ops.stop_gradient(joint - log_q)
        for_decoder = self.decoder_weights(log_w)
        for_encoder = for_decoder
        surrogate = 0.0
        if self.separates():
            for_decoder = ops.maximum(for_decoder, _SMALLEST_WEIGHT)
            for_encoder = self.encoder_weights(log_w)
            surrogate = tapped(_taps(evidence), for_encoder / for_decoder)
        # The taps turn the decoder's weights of a path through z into the
        # encoder's. The full log q is a path of its own, beside them.
        if self.gradient == "reparameterized":
            summands = for_decoder * joint - for_encoder * log_q
        else:
            summands = for_decoder * (joint - log_q)
        surrogate = surrogate - ops.sum(summands, axis=0)
        return with_gradient_of(-self.bound(log_w), surrogate)

    def _log_q(self, evidence: Evidence) -> Tensor:
        if self.gradient == "reparameterized":
            return evidence.log_posterior
        return evidence.posterior.stopped().log_prob(evidence.z)
