"""The prior of one-hot latents."""

from typing import Any

import numpy as np
from keras import ops

from keras_vae.distributions import (
    Distribution,
    OneHotCategorical,
    RelaxedCategorical,
)
from keras_vae.distributions.one_hot_logits import check_num_categories
from keras_vae.priors.discrete import Discrete, softmax_rows
from keras_vae.priors.prior import registry
from keras_vae.types import Shape, Tensor


@registry.register("categorical")
class Categorical(Discrete):
    """Independent categorical variables, for the posterior `Concrete`.

    z holds `latent_dim / num_categories` vectors, end to end. `generate`
    draws one-hot vectors.
    Source: Jang et al., 2017, section 3.2,
    https://arxiv.org/abs/1611.01144; with a temperature, Maddison et al.,
    2017, appendix C.3, https://arxiv.org/abs/1611.00712.

    Args:
        num_categories: Integer, at least 2, that divides the VAE's
            `latent_dim`. Defaults to `latent_dim`, for one variable.
        learned: Boolean, whether the probabilities are learned; they are
            equal otherwise. Defaults to `False`.
        temperature: Positive number that makes `distribution()` the density
            of the relaxed variables, to be compared with a posterior whose
            samples are relaxed. `generate` is not relaxed by it: it draws at
            temperature 0, as Maddison et al. evaluate. `None`, the default,
            for the discrete variables.

    Call arguments:
        z: Tensor `(..., latent_dim)`.

    Output shape:
        `(...,)`: log p(z) in nats.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if an argument is out of its range.

    Example:
    >>> vae = keras_vae.VAE(
    ...     encoder, decoder,
    ...     posterior=keras_vae.posteriors.Concrete(200, num_categories=10),
    ...     prior=keras_vae.priors.Categorical(num_categories=10),
    ... )
    """

    def __init__(
        self,
        num_categories: int | None = None,
        learned: bool = False,
        temperature: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(learned, temperature, **kwargs)
        if num_categories is not None:
            check_num_categories(num_categories, num_categories)
        self.num_categories = num_categories

    def build(self, latents_shape: Shape) -> None:
        super().build(latents_shape)
        count = check_num_categories(self.num_categories, self.latent_dim)
        self.add_logits((self.latent_dim // count, count))

    @property
    def num_uniforms(self) -> int:
        return int(self.raw_logits.shape[0])

    def distribution(self) -> Distribution:
        if self.temperature is None:
            return OneHotCategorical(self.logits)
        return RelaxedCategorical(self.logits, self.temperature)

    def choice_probabilities(self) -> np.ndarray:
        return softmax_rows(self.logits)

    def from_choices(self, normals: Tensor, choices: Tensor) -> Tensor:
        del normals
        count = int(self.raw_logits.shape[1])
        vectors = ops.one_hot(choices, count, dtype="float32")
        return ops.reshape(vectors, (-1, self.latent_dim))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_categories": self.num_categories}
