"""The variational autoencoder."""

import functools
import os
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vae.distributions import Distribution
from keras_vae.models import estimation, generation
from keras_vae.models.parts import PartsModel
from keras_vae.objectives import ELBOTerms
from keras_vae.trainers.data import check_shape
from keras_vae.types import Tensor
from keras_vae.validation import positive_int, require


@keras.saving.register_keras_serializable(package="keras_vae")
class VAE(PartsModel):
    """A variational autoencoder made of parts.

    Its ELBO is higher-is-better, in nats per example, with all normalising
    constants: `elbo = log_likelihood - kl`. What `fit` minimises is the
    objective's `loss`.
    Source: Kingma & Welling, 2014, https://arxiv.org/abs/1312.6114.

    Args:
        encoder: Built `keras.Model`, x to features.
        decoder: Built `keras.Model`, z to features. Features with x's
            spatial shape get the likelihood's Dense on their last axis,
            others a Dense and a Reshape to x's shape.
        posterior: `Posterior`, or a name. Defaults to `"diagonal_normal"`,
            with the decoder's number of latent dimensions.
        prior: `Prior`, or a name. Defaults to `"standard_normal"`.
        likelihood: `Likelihood`, or a name. Defaults to `"bernoulli"`.
        objective: `Objective`, or a name. Defaults to `"elbo"`.
        seed: Integer that starts the sampling layer's generator, or `None`
            for a random start.
        name: String, the model's name.

    Call arguments:
        inputs: Tensor `(batch, *event_shape)`.

    Output shape:
        `(batch, *event_shape)`: the mean of p(x|z) at the posterior mean.

    Raises:
        TypeError: if a part is of the wrong type.
        ValueError: if a name is unknown, a network is not built, or the
            parts' shapes do not fit together.

    Example:
    >>> vae = keras_vae.VAE(
    ...     encoder=networks.mlp_encoder((28, 28, 1), hidden_dims=(200,)),
    ...     decoder=networks.mlp_decoder(latent_dim=20, hidden_dims=(200,)),
    ... )
    >>> vae.compile(optimizer="adam")
    >>> history = vae.fit(x_train, epochs=20, batch_size=128)
    """

    # --- Inference ----------------------------------------------------------

    def encode(self, x: Tensor, condition: Any = None) -> Distribution:
        """Returns q(z|x).

        Args:
            x: Array `(batch, *event_shape)`.
            condition: A `ConditionalVAE`'s labels or vectors, one for each
                example; `None` for a VAE.

        Returns:
            `Distribution` with batch shape `(batch,)` and event shape
            `(latent_dim,)`.

        Raises:
            ValueError: if `x` or `condition` has another shape.
        """
        x, condition = self._checked(x, condition)
        return self._posterior_of(x, condition, training=False)

    def decode(self, z: Tensor, condition: Any = None) -> Distribution:
        """Returns p(x|z).

        Args:
            z: Array `(batch, latent_dim)`.
            condition: As in `encode`.

        Returns:
            `Distribution` with batch shape `(batch,)` and event shape
            `event_shape`.

        Raises:
            ValueError: if `z` or `condition` has another shape.
        """
        z = ops.convert_to_tensor(z, dtype="float32")
        check_shape(z, (self.latent_dim,), name="z")
        condition = self._checked_condition(condition, int(z.shape[0]))
        parameters = self._decoded(z, condition, training=False)
        return self.likelihood.distribution(parameters)

    def reconstruct(self, x: Tensor, condition: Any = None) -> Tensor:
        """Returns the mean of p(x|z) at the posterior mean.

        Args:
            x: Array `(batch, *event_shape)`.
            condition: As in `encode`.

        Returns:
            Tensor `(batch, *event_shape)`.

        Raises:
            ValueError: if `x` or `condition` has another shape.
        """
        x, condition = self._checked(x, condition)
        return self._reconstruction(x, condition, training=False)

    def compute_elbo(
        self,
        x: Tensor,
        num_samples: int = 1,
        seed: int | None = None,
        condition: Any = None,
    ) -> ELBOTerms:
        """Estimates the ELBO and its terms.

        Args:
            x: Array `(batch, *event_shape)`.
            num_samples: Positive integer, latents drawn per example.
            seed: Integer, which takes the noise from the seeded stream, the
                same on every backend (sample s of example n is sample
                `n * num_samples + s` of the stream); or `None`, which takes
                it from the sampling layer's generator.
            condition: As in `encode`.

        Returns:
            Named tuple `elbo, log_likelihood, kl`, each `(batch,)` nats.

        Raises:
            ValueError: if `x` or `condition` has another shape or
                `num_samples` is below 1.
        """
        positive_int("num_samples", num_samples, "Pass `num_samples=1`.")
        x, condition = self._checked(x, condition)
        posterior = self._posterior_of(x, condition, training=False)
        draw = estimation.draw(
            self.sampling,
            posterior,
            num_samples,
            seed,
            with_log_prob=self.objective.needs_log_q,
        )
        evidence = self.evidence(x, posterior, draw, False, condition)
        return self.objective.terms(evidence)

    def marginal_log_likelihood(
        self,
        x: Tensor,
        num_samples: int = 5000,
        seed: int | None = None,
        batch_size: int = 128,
        condition: Any = None,
    ) -> np.ndarray:
        """Estimates log p(x) by importance sampling from q(z|x).

        The encoder runs once; samples are decoded in chunks, so that memory
        does not grow with `num_samples`.
        Source: Burda et al., 2016, equation 8,
        https://arxiv.org/abs/1509.00519.

        Args:
            x: Array `(batch, *event_shape)`.
            num_samples: Positive integer, exactly how many weights are
                averaged. Defaults to `5000`.
            seed: Integer or `None`, as in `compute_elbo`.
            batch_size: Positive integer, examples at a time.
            condition: As in `encode`; the estimate is then of log p(x|c).

        Returns:
            NumPy array `(batch,)`, nats, higher is better.

        Raises:
            ValueError: if `x` has another shape or values outside the
                likelihood's support, or a number is below 1.
        """
        positive_int("num_samples", num_samples, "Pass `num_samples=5000`.")
        positive_int("batch_size", batch_size, "Pass `batch_size=128`.")
        self.check_data(x, condition)
        x, condition = self._checked(x, condition)
        return estimation.marginal_log_likelihood(
            self, x, condition, num_samples, seed, batch_size
        )

    def _checked(self, x: Tensor, condition: Any) -> tuple[Tensor, Tensor]:
        x = ops.convert_to_tensor(x)
        check_shape(x, self.event_shape)
        condition = self._checked_condition(condition, int(x.shape[0]))
        return ops.cast(x, "float32"), condition

    def _checked_condition(self, condition: Any, num_examples: int) -> Tensor:
        if self.condition_dim is None:
            self._refuse_condition(condition)
            return None
        self.check_condition(condition, num_examples)
        return self._condition_vectors(condition)

    def _refuse_condition(self, condition: Any) -> None:
        require(
            condition is None,
            "`condition` must be left out: a VAE has none. Received: "
            f"condition of type {type(condition).__name__}. Make a "
            "`ConditionalVAE`, whose networks take one.",
        )

    # --- Generation ---------------------------------------------------------

    @functools.cached_property
    def generator(self) -> keras.Model:
        """Functional model from z to the likelihood's mean.

        It shares the decoder's and the head's weights, and predicts, saves
        and exports alone.

        Input shape:
            `(batch, latent_dim)`; a `ConditionalVAE`'s takes a dictionary
            of `"z"` and `"condition"`, `(batch, condition_dim)`.

        Output shape:
            `(batch, *event_shape)`.
        """
        return generation.build_generator(self)

    def generate(
        self,
        num_samples: int,
        seed: int | None = None,
        temperature: float = 1.0,
        return_latents: bool = False,
        condition: Any = None,
    ) -> Any:
        """Generates from the prior.

        A seed gives the same latents on every backend and in every exported
        form, now and later; the first samples do not depend on
        `num_samples`.
        Source: Salmon et al., 2011 (Threefry),
        https://doi.org/10.1145/2063384.2063405.

        Args:
            num_samples: Integer, at least 0.
            seed: 64-bit integer, or `None` for a fresh one.
            temperature: Non-negative float that scales the standard
                normals. Defaults to `1.0`.
            return_latents: Boolean, whether to return the latents too.
            condition: A `ConditionalVAE`'s: one label or vector, or one for
                each sample.

        Returns:
            NumPy array `(num_samples, *event_shape)`, the likelihood's
            means; with `return_latents` a pair of it and the latents
            `(num_samples, latent_dim)`.

        Raises:
            TypeError: if `num_samples` or `seed` is no integer.
            ValueError: if an argument is out of its range.
        """
        z = generation.draw_latents(self.prior, num_samples, seed, temperature)
        condition = self._sample_conditions(condition, len(z))
        inputs = z if condition is None else {"z": z, "condition": condition}
        images = generation.decode_in_batches(self.generator, inputs, len(z))
        return (images, z) if return_latents else images

    def _sample_conditions(self, condition: Any, num_samples: int) -> Any:
        """Returns `(num_samples, condition_dim)` vectors, or `None`."""
        self._refuse_condition(condition)
        return None

    def export(
        self,
        filepath: str | os.PathLike,
        format: str = "tf_saved_model",
        **kwargs: Any,
    ) -> None:
        """Exports the generation signatures.

        Plain Keras would export `call`, the reconstruction; a VAE exports
        what it is served for.

        Args:
            filepath: Path: a directory for `"tf_saved_model"`, a file that
                ends in `.onnx` for `"onnx"`, `.tflite` for `"litert"`,
                `.xml` for `"openvino"` (its weights stand beside it in a
                `.bin` file).
            format: `"tf_saved_model"`, `"onnx"`, `"litert"` or `"openvino"`.
            **kwargs: For all but `"tf_saved_model"`, `signature`: the one of
                the file. Defaults to `"decode"`. LiteRT has no other, and
                OpenVINO those that take no seed.

        Raises:
            ImportError: if the extra `export` is not installed, or for
                LiteRT and OpenVINO the extra `runtimes`.
            ValueError: if an argument is not as described.
            FileExistsError: if something stands at `filepath`.
        """
        import keras_vae_export

        keras_vae_export.export_model(self, filepath, format=format, **kwargs)
