"""The inverse autoregressive flow posterior."""

import functools
from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_vae.distributions import Transformed
from keras_vae.distributions.bijectors import InverseAutoregressive
from keras_vae.layers import AutoregressiveNetwork, ParameterHead
from keras_vae.posteriors.flow import base_of, base_parameters
from keras_vae.posteriors.posterior import Posterior, registry
from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int


@registry.register("inverse_autoregressive_flow")
class InverseAutoregressiveFlow(Posterior):
    """A diagonal normal pushed through inverse autoregressive steps.

    Each step scales and shifts every element by masked networks of those
    before it and of a context, made from the features; every other step
    takes the elements backwards. Sampling and its log-density take one pass.
    `log_prob` of a given z undoes the steps element by element: it takes
    `latent_dim` passes a step. There is no analytic KL. `encode(x).mean()`
    is the base's mean pushed through the flow.
    Source: Kingma et al., 2016, algorithm 1,
    https://arxiv.org/abs/1606.04934.

    Args:
        latent_dim: Integer, number of latent dimensions.
        num_steps: Positive integer. Defaults to `2`.
        hidden_dims: Sequence of positive integers, units of each step's
            hidden layers. Defaults to `(64,)`.

    Input shape:
        `(batch, ...)`, the encoder's features.

    Output shape:
        `{"base_loc": (batch, latent_dim), "base_scale": (batch, latent_dim),
        "context": (batch, hidden_dims[0])}`.

    Raises:
        TypeError: if a number is no integer.
        ValueError: if a number is below 1.

    Example:
    >>> vae = keras_vae.VAE(
    ...     encoder, decoder,
    ...     posterior=keras_vae.posteriors.InverseAutoregressiveFlow(16),
    ...     objective=keras_vae.objectives.ELBO(kl="monte_carlo"),
    ... )
    """

    def __init__(
        self,
        latent_dim: int,
        num_steps: int = 2,
        hidden_dims: Sequence[int] = (64,),
        **kwargs: Any,
    ) -> None:
        super().__init__(latent_dim, **kwargs)
        self.num_steps = positive_int(
            "num_steps",
            num_steps,
            "Pass e.g. `InverseAutoregressiveFlow(latent_dim=16)`.",
        )
        self.networks = [
            AutoregressiveNetwork(
                self.latent_dim,
                hidden_dims,
                backwards=bool(number % 2),
                name=f"network_{number}",
            )
            for number in range(self.num_steps)
        ]
        self.hidden_dims = self.networks[0].hidden_dims
        self.base_head = ParameterHead(2, name="base_head")
        self.context_head = ParameterHead(name="context_head")

    def build(self, features_shape: Shape) -> None:
        self.base_head.build(features_shape, event_shape=(self.latent_dim,))
        context = (self.hidden_dims[0],)
        self.context_head.build(features_shape, event_shape=context)
        for network in self.networks:
            network.build((None, self.latent_dim), (None, *context))

    def call(self, features: Tensor) -> dict[str, Tensor]:
        context = ops.elu(self.context_head(features)[0])
        return {
            **base_parameters(self.base_head, features),
            "context": context,
        }

    def distribution(self, parameters: dict[str, Tensor]) -> Transformed:
        networks: list[Any] = self.networks
        steps = [
            InverseAutoregressive(
                functools.partial(network, context=parameters["context"]),
                network.order,
            )
            for network in networks
        ]
        return Transformed(base_of(parameters), steps)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_steps": self.num_steps,
            "hidden_dims": list(self.hidden_dims),
        }
