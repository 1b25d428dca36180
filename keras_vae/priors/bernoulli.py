"""The prior of binary latents."""

from typing import Any

import numpy as np
from keras import ops

from keras_vae import distributions
from keras_vae.priors.discrete import Discrete, softmax_rows
from keras_vae.priors.prior import registry
from keras_vae.types import Shape, Tensor


@registry.register("bernoulli")
class Bernoulli(Discrete):
    """Independent Bernoulli variables, for the posterior `BinaryConcrete`.

    `generate` draws zeros and ones.
    Source: Maddison et al., 2017, appendix B,
    https://arxiv.org/abs/1611.00712.

    Args:
        learned: Boolean, whether the probabilities are learned; they are
            1/2 otherwise. Defaults to `False`.
        temperature: Positive number that makes `distribution()` the density
            of the relaxed variables, to be compared with a posterior whose
            samples are relaxed. `generate` is not relaxed by it. `None`, the
            default, for the discrete variables.

    Call arguments:
        z: Tensor `(..., latent_dim)`.

    Output shape:
        `(...,)`: log p(z) in nats.

    Raises:
        TypeError: if `temperature` is neither a number nor `None`.
        ValueError: if `temperature` is not positive and finite.

    Example:
    >>> vae = keras_vae.VAE(
    ...     encoder, decoder, posterior="binary_concrete", prior="bernoulli"
    ... )
    """

    def __init__(
        self,
        learned: bool = False,
        temperature: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(learned, temperature, **kwargs)

    def build(self, latents_shape: Shape) -> None:
        super().build(latents_shape)
        self.add_logits((self.latent_dim,))

    @property
    def num_uniforms(self) -> int:
        return self.latent_dim

    def distribution(self) -> distributions.Distribution:
        if self.temperature is None:
            # Linear in z, so that a straight-through sample's gradient meets
            # a straight line.
            return distributions.Bernoulli(self.logits, allow_grey=True)
        return distributions.RelaxedBernoulli(self.logits, self.temperature)

    def choice_probabilities(self) -> np.ndarray:
        logits = self.logits
        return softmax_rows(ops.stack([ops.zeros_like(logits), logits], -1))

    def from_choices(self, normals: Tensor, choices: Tensor) -> Tensor:
        del normals
        return ops.cast(choices, "float32")
