"""What every prior answers."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vae.distributions import Distribution
from keras_vae.random import choose_each, thresholds, uniform_floats
from keras_vae.registry import Registry
from keras_vae.types import Shape, Tensor

registry = Registry("prior")


class Prior(keras.layers.Layer):
    """A prior p(z).

    A prior declares how many standard normals and uniforms one draw takes
    and maps them to z, so that a seed gives the same latents in every
    runtime. It computes in float32 under any precision policy.

    Uniforms choose: a subclass that takes some gives the probabilities of
    what each one chooses in `choice_probabilities`, and maps normals and
    choices to z in `from_choices`. The choices are made from integers, in
    NumPy, and are equal everywhere.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)

    def attach(
        self,
        parameters_of: Callable[..., dict[str, Tensor]],
        distribution_of: Callable[[dict[str, Tensor]], Distribution],
        event_shape: Shape,
        condition_dim: int | None = None,
    ) -> None:
        """Gives the prior the encoder and posterior of the VAE it belongs to.

        A VAE calls it when it is made, before `build`. A prior that is made
        of posteriors keeps the functions; others have no use for them.

        Args:
            parameters_of: Function of x, `(num, *event_shape)`, and of
                conditions, `(num, condition_dim)`, that returns the
                posterior's parameters.
            distribution_of: Function of these that returns q(z|x).
            event_shape: Shape of one x.
            condition_dim: Integer, the size of a condition, or `None` for a
                model without one.
        """
        del parameters_of, distribution_of, event_shape, condition_dim

    def build(self, latents_shape: Shape) -> None:
        """Creates the weights for latents of shape `(batch, latent_dim)`."""
        self.latent_dim = int(latents_shape[-1])

    @property
    def num_normals(self) -> int:
        """Standard normals that one draw takes."""
        return self.latent_dim

    @property
    def num_uniforms(self) -> int:
        """Uniforms that one draw takes."""
        return 0

    def distribution(self) -> Distribution:
        """Returns p(z): batch shape `()`, event shape `(latent_dim,)`."""
        raise NotImplementedError

    def choice_probabilities(self) -> np.ndarray:
        """Returns the probabilities of what each uniform chooses.

        Returns:
            Float64 array `(num_uniforms, num_choices)`; rows sum to 1.
        """
        return np.zeros((0, 1))

    def thresholds(self) -> np.ndarray:
        """Returns the integers that split each uniform's bits by choice.

        Returns:
            Uint64 array `(num_uniforms, num_choices)`; a choice is the number
            of thresholds that are at most the bits.
        """
        probabilities = self.choice_probabilities()
        rows = [thresholds(row) for row in probabilities]
        return np.array(rows, dtype="uint64").reshape(probabilities.shape)

    def from_noise(self, normals: Tensor, uniform_bits: np.ndarray) -> Tensor:
        """Maps standard noise to latents.

        Args:
            normals: Float32 tensor `(num_samples, num_normals)`, scaled by
                the temperature already.
            uniform_bits: Uint32 array `(num_samples, num_uniforms)`.

        Returns:
            Tensor `(num_samples, latent_dim)`.
        """
        bits, thresholds = np.asarray(uniform_bits), self.thresholds()
        count = len(thresholds)
        choices = choose_each(bits[:, :count], thresholds)
        normals = ops.convert_to_tensor(normals, dtype="float32")
        own = {}
        if bits.shape[1] > count:
            floats = uniform_floats(bits[:, count:])
            own["uniforms"] = ops.convert_to_tensor(floats)
        return self.from_choices(normals, choices, **own)

    def from_choices(self, normals: Tensor, choices: Tensor) -> Tensor:
        """Maps standard normals and choices to latents.

        Args:
            normals: Float32 tensor `(num_samples, num_normals)`.
            choices: Int32 tensor `(num_samples, num_choices)`.

        A prior with more uniforms than choices takes the others as a further
        argument, `uniforms`: float32 `(num_samples, num_uniforms -
        num_choices)`, strictly between 0 and 1.

        Returns:
            Tensor `(num_samples, latent_dim)`.
        """
        raise NotImplementedError

    def freeze(self) -> None:
        """Keeps as constants what `from_choices` computes of weights alone.

        The exporter calls it on its copy of a VAE, which does not learn.
        """

    def call(self, z: Tensor) -> Tensor:
        """Returns log p(z) in nats, shape `(...,)`."""
        return self.distribution().log_prob(z)
