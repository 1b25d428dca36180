"""The conditional variational autoencoder."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vae.models import conditions
from keras_vae.models.vae import VAE
from keras_vae.types import Shape, Tensor
from keras_vae.validation import require


@keras.saving.register_keras_serializable(package="keras_vae")
class ConditionalVAE(VAE):
    """A VAE of x given a condition: labels or vectors.

    The condition enters the encoder, q(z|x, c), and the decoder, p(x|z, c);
    the prior p(z) does not depend on it. So the ELBO bounds log p(x|c).
    Every posterior, prior, likelihood and objective works as in `VAE`; a
    VampPrior learns a pseudo-condition beside each pseudo-input.
    Source: Sohn et al., 2015, equation 4, with the prior made independent
    of the condition (Kingma et al., 2014, https://arxiv.org/abs/1406.5298).

    A condition is given as labels `(batch,)` or `(batch, 1)`, integers from
    0 to `condition_dim - 1`, which become one-hot vectors; or as vectors
    `(batch, condition_dim)`. `fit`, `evaluate`, `train_on_batch` and
    `test_on_batch` take it as `y`, so that streams give `(x, condition)`;
    the other calls take `condition=`.

    Args:
        encoder: Built `keras.Model` with the inputs `[x, condition]`, or a
            dictionary of them, to features.
        decoder: Built `keras.Model` with the inputs `[z, condition]`, or a
            dictionary of them, to features.
        posterior: As `VAE` has it.
        prior: As `VAE` has it.
        likelihood: As `VAE` has it.
        objective: As `VAE` has it.
        seed: As `VAE` has it.
        name: String, the model's name.

    Call arguments:
        inputs: Dictionary of `"x"`, `(batch, *event_shape)`, and
            `"condition"`.

    Output shape:
        `(batch, *event_shape)`: the mean of p(x|z, c) at the posterior mean.

    Raises:
        TypeError: if a part is of the wrong type.
        ValueError: if a network has not the two inputs, or the parts' shapes
            do not fit together.

    Example:
    >>> vae = keras_vae.ConditionalVAE(
    ...     encoder=networks.mlp_encoder((28, 28, 1), condition_dim=10),
    ...     decoder=networks.mlp_decoder(latent_dim=20, condition_dim=10),
    ... )
    >>> vae.compile(optimizer="adam")
    >>> history = vae.fit(x_train, labels_train, epochs=20)
    >>> sevens = vae.generate(16, seed=7, condition=7)
    """

    def call(
        self, inputs: dict[str, Tensor], training: bool | None = None
    ) -> Tensor:
        """Returns the mean reconstruction, `(batch, *event_shape)`."""
        require(
            isinstance(inputs, dict) and set(inputs) == {"x", "condition"},
            "`inputs` must be a dictionary of `x` and `condition`. Received: "
            f"inputs of type {type(inputs).__name__}. Pass e.g. "
            '`vae({"x": x, "condition": labels})`.',
        )
        condition = self._condition_vectors(inputs["condition"])
        return self._reconstruction(inputs["x"], condition, training)

    def check_condition(self, condition: Any, num_examples: int) -> None:
        """Raises unless there is one label or vector for each example."""
        conditions.check_values(condition, self.condition_dim, num_examples)

    # --- What differs from a VAE --------------------------------------------

    def _shapes_of(self, name: str, network: keras.Model) -> Shape:
        shape, condition_dim = conditions.input_shapes_of(name, network)
        require(
            self.condition_dim in (None, condition_dim),
            f"`{name}` must take conditions of the encoder's size. Received: "
            f"condition_dim={condition_dim}, but the encoder has "
            f"{self.condition_dim}. Build both with the same "
            "`condition_dim`.",
        )
        self.condition_dim = condition_dim
        return shape

    def _inputs_of(
        self, network: keras.Model, first: Tensor, condition: Tensor
    ) -> Any:
        return conditions.paired(network, first, condition)

    def _condition_vectors(self, condition: Any) -> Tensor:
        return conditions.as_vectors(
            ops.convert_to_tensor(condition), self.condition_dim
        )

    def _sample_conditions(
        self, condition: Any, num_samples: int
    ) -> np.ndarray:
        return conditions.for_samples(
            condition, self.condition_dim, num_samples
        )
