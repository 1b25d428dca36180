"""The RealNVP flow prior."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_vae.distributions import Normal, Transformed
from keras_vae.distributions.bijectors import AffineCoupling
from keras_vae.layers import CouplingNetwork
from keras_vae.priors.prior import Prior, registry
from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int, require

# Latents are made so many at a time, so that rounding in matrix products
# does not depend on how many are asked for.
_ROWS = 64


@registry.register("real_nvp")
class RealNVP(Prior):
    """A standard normal pushed through affine couplings.

    Each coupling changes every other element as functions of the rest; the
    next one changes the others. It starts as the standard normal. There is
    no analytic KL: train with `objectives.ELBO(kl="monte_carlo")`.
    Source: Dinh et al., 2017, section 3, https://arxiv.org/abs/1605.08803;
    as a prior: Xu et al., 2019, https://arxiv.org/abs/1905.13452.

    Args:
        num_couplings: Positive integer. Defaults to `4`.
        hidden_dims: Sequence of positive integers, units of each coupling's
            hidden layers. Defaults to `(64,)`.

    Call arguments:
        z: Tensor `(..., latent_dim)`.

    Output shape:
        `(...,)`: log p(z) in nats.

    Raises:
        TypeError: if a number is no integer.
        ValueError: if a number is below 1, or the VAE's `latent_dim` below
            2.

    Example:
    >>> vae = keras_vae.VAE(
    ...     encoder, decoder,
    ...     prior=keras_vae.priors.RealNVP(num_couplings=6),
    ...     objective=keras_vae.objectives.ELBO(kl="monte_carlo"),
    ... )
    """

    def __init__(
        self,
        num_couplings: int = 4,
        hidden_dims: Sequence[int] = (64,),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_couplings = positive_int(
            "num_couplings", num_couplings, "Pass e.g. `num_couplings=4`."
        )
        self.networks = [
            CouplingNetwork(hidden_dims, name=f"network_{number}")
            for number in range(self.num_couplings)
        ]
        self.hidden_dims = self.networks[0].hidden_dims

    def build(self, latents_shape: Shape) -> None:
        super().build(latents_shape)
        require(
            self.latent_dim >= 2,
            "`latent_dim` must be at least 2: a coupling changes one part by "
            f"the other. Received: latent_dim={self.latent_dim}. Use e.g. "
            "`priors.GaussianMixture()` in 1 dimension.",
        )
        for network in self.networks:
            network.build((None, self.latent_dim))

    def distribution(self) -> Transformed:
        base = Normal(ops.zeros((self.latent_dim,), dtype="float32"), 1.0)
        parity = np.arange(self.latent_dim) % 2
        couplings = [
            AffineCoupling((parity + number) % 2, network)
            for number, network in enumerate(self.networks)
        ]
        return Transformed(base, couplings)

    def from_noise(self, normals: Tensor, uniform_bits: np.ndarray) -> Tensor:
        del uniform_bits
        rows = np.asarray(ops.convert_to_numpy(normals), dtype="float32")
        count = len(rows)
        padded = np.zeros((-(-count // _ROWS) * _ROWS, self.latent_dim))
        padded[:count] = rows
        parts = [
            ops.convert_to_numpy(self.from_choices(part, None))
            for part in padded.astype("float32").reshape(
                -1, _ROWS, self.latent_dim
            )
        ]
        z = np.concatenate([np.zeros((0, self.latent_dim)), *parts])
        return ops.convert_to_tensor(z[:count], dtype="float32")

    def from_choices(self, normals: Tensor, choices: Tensor) -> Tensor:
        del choices
        return self.distribution().from_noise(ops.convert_to_tensor(normals))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_couplings": self.num_couplings,
            "hidden_dims": list(self.hidden_dims),
        }
