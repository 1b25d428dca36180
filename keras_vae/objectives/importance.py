"""Importance weighting: the marginal likelihood from samples of q(z|x)."""

from keras import ops

from keras_vae.objectives.elbo import log_likelihood
from keras_vae.objectives.objective import Evidence
from keras_vae.types import Tensor


def log_weights(evidence: Evidence) -> Tensor:
    """Log w = log p(x|z) + log p(z) - log q(z|x) of every sample.

    Source: Burda et al., 2016, equation 8,
    https://arxiv.org/abs/1509.00519.

    Returns:
        Tensor `(num_samples, batch)` nats.
    """
    log_prior = evidence.prior.log_prob(evidence.z)
    return log_likelihood(evidence) + log_prior - evidence.log_q


def log_sum_weights(evidence: Evidence) -> Tensor:
    """Log of the summed weights, `(batch,)` nats."""
    return ops.logsumexp(log_weights(evidence), axis=0)
