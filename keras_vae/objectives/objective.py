"""What every objective answers, and what it is given."""

from typing import Any, NamedTuple

from keras_vae.distributions import Distribution
from keras_vae.registry import Registry
from keras_vae.types import Tensor

registry = Registry("objective")


class Evidence(NamedTuple):
    """One pass through a VAE: what every objective is computed from."""

    x: Tensor  # (batch, *event_shape)
    z: Tensor  # (num_samples, batch, latent_dim), drawn from q(z|x)
    log_q: Tensor | None  # (num_samples, batch): log q(z|x), where asked for
    posterior: Distribution  # q(z|x): batch shape (batch,)
    prior: Distribution  # p(z): batch shape () or (batch,)
    likelihood: Distribution  # p(x|z): batch shape (num_samples, batch)


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
    """

    num_samples: int = 1
    needs_log_q: bool = False

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

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Objective":
        """Makes the objective from `get_config`'s arguments."""
        return cls(**config)
