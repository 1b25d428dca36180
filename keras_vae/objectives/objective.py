"""What every objective answers, and what it is given."""

import dataclasses
import functools
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_vae.distributions import Distribution
from keras_vae.distributions.distribution import check_same_measure
from keras_vae.registry import Registry
from keras_vae.types import Tensor

registry = Registry("objective")


@dataclasses.dataclass(frozen=True)
class Evidence:
    """One pass through a VAE: what every objective is computed from.

    The log-densities below are computed once, when first asked for.
    """

    x: Tensor  # (batch, *event_shape)
    z: Tensor  # (num_samples, batch, latent_dim), drawn from q(z|x)
    log_q: Tensor | None  # (num_samples, batch): log q(z|x), where asked for
    # q(z|x): batch shape (batch,). `None` where log_q is all that is needed.
    posterior: Any
    prior: Distribution  # p(z): batch shape () or (batch,)
    # p(x|z): batch shape (num_samples, batch), or (batch,) of one sample.
    likelihood: Distribution
    taps: Tensor | None = None  # what `Objective.prepare` returned beside z

    @functools.cached_property
    def log_likelihood(self) -> Tensor:
        """Log p(x|z) of every sample, `(num_samples, batch)` nats."""
        found = self.likelihood.log_prob(self.x)
        return found if len(found.shape) == 2 else ops.expand_dims(found, 0)

    @functools.cached_property
    def reconstruction(self) -> Tensor:
        """The mean of p(x|z) at the first sample, `(batch, *event_shape)`."""
        mean = self.likelihood.mean()
        has_samples = len(mean.shape) > len(self.x.shape)
        return mean[0] if has_samples else mean

    @functools.cached_property
    def log_prior(self) -> Tensor:
        """Log p(z) of every sample, `(num_samples, batch)` nats.

        Raises:
            ValueError: if q(z|x) and p(z) are densities by two measures.
        """
        if self.posterior is not None:
            check_same_measure(self.posterior, self.prior)
        return self.prior.log_prob(self.z)

    @functools.cached_property
    def log_posterior(self) -> Tensor:
        """Log q(z|x) of every sample, `(num_samples, batch)` nats."""
        if self.log_q is None:
            return self.posterior.log_prob(self.z)
        return self.log_q


class ELBOTerms(NamedTuple):
    """The evidence lower bound and its terms, in nats, higher is better."""

    elbo: Tensor  # (batch,) = log_likelihood - kl
    log_likelihood: Tensor  # (batch,) = E_q log p(x|z)
    kl: Tensor  # (batch,) = KL(q(z|x) || p(z))


class Objective:
    """What training minimises, made from an `Evidence`.

    Attributes:
        num_samples: Integer, latents drawn per example in training.
        needs_log_q: Boolean, whether `Evidence.log_q` must be filled.
        extra_terms: Names of what `extras` returns, logged beside the
            ELBO's terms.
    """

    num_samples: int = 1
    needs_log_q: bool = False
    extra_terms: tuple[str, ...] = ()

    def prepare(self, z: Tensor) -> tuple[Tensor, Tensor | None]:
        """Changes, before they are decoded, how latents pass gradients on.

        Args:
            z: Tensor `(num_samples, batch, latent_dim)`.

        Returns:
            `(z, taps)`: the same values, and what `Evidence.taps` becomes.
        """
        return z, None

    def terms(self, evidence: Evidence) -> ELBOTerms:
        """Returns the ELBO's terms, each `(batch,)` nats, unweighted."""
        raise NotImplementedError

    def loss(
        self, evidence: Evidence, terms: ELBOTerms, step: Tensor
    ) -> Tensor:
        """Returns what is minimised, `(batch,)` nats.

        Args:
            evidence: The pass through the VAE.
            terms: What `terms(evidence)` returned.
            step: Integer scalar, the VAE's training step.
        """
        raise NotImplementedError

    def extras(
        self, evidence: Evidence, terms: ELBOTerms
    ) -> tuple[Tensor, ...]:
        """Returns a `(batch,)` tensor for each name in `extra_terms`."""
        del evidence, terms
        return ()

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Objective":
        """Makes the objective from `get_config`'s arguments."""
        arguments = {
            name: keras.saving.deserialize_keras_object(value)
            if isinstance(value, dict)
            else value
            for name, value in config.items()
        }
        return cls(**arguments)
