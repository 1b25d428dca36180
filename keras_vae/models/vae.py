"""The variational autoencoder."""

import functools
import os
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vae import likelihoods, objectives, posteriors, priors
from keras_vae.distributions import Distribution
from keras_vae.layers import Sampling
from keras_vae.models import checks, estimation, generation
from keras_vae.objectives import ELBOTerms, Evidence
from keras_vae.trainers import Trainer
from keras_vae.trainers.data import check_shape
from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int

_PARTS = (
    "encoder",
    "decoder",
    "posterior",
    "prior",
    "likelihood",
    "objective",
)


@keras.saving.register_keras_serializable(package="keras_vae")
class VAE(Trainer):  # type: ignore[misc, valid-type]
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

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        posterior: posteriors.Posterior | str = "diagonal_normal",
        prior: priors.Prior | str = "standard_normal",
        likelihood: likelihoods.Likelihood | str = "bernoulli",
        objective: objectives.Objective | str = "elbo",
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        checks.check_network("encoder", encoder)
        checks.check_network("decoder", decoder)
        self.event_shape = checks.input_shape_of("encoder", encoder)
        latents = checks.input_shape_of("decoder", decoder)
        self.encoder, self.decoder = encoder, decoder
        self.posterior = posteriors.registry.get(
            posterior, posteriors.Posterior, latent_dim=latents[-1]
        )
        self.prior = priors.registry.get(prior, priors.Prior)
        self.likelihood = likelihoods.registry.get(
            likelihood, likelihoods.Likelihood
        )
        self.objective = objectives.registry.get(
            objective, objectives.Objective
        )
        self.seed = seed
        self.sampling = Sampling(seed, name="sampling")
        checks.check_latent_dims(latents, self.latent_dim)
        self._build_parts()
        self.build((None, *self.event_shape))

    @property
    def latent_dim(self) -> int:
        """Number of latent dimensions."""
        return int(self.posterior.latent_dim)

    def _build_parts(self) -> None:
        features = checks.output_shape_of(
            "encoder", self.encoder, self.event_shape
        )
        if not self.posterior.built:
            self.posterior.build(features)
        if not self.prior.built:
            self.prior.build((None, self.latent_dim))
        features = checks.output_shape_of(
            "decoder", self.decoder, (self.latent_dim,)
        )
        if not self.likelihood.built:
            self.likelihood.build(features, event_shape=self.event_shape)

    def build(self, input_shape: Shape) -> None:
        """Marks the model as built: its parts were, at construction."""
        self.built = True

    # --- The model ----------------------------------------------------------

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Returns the mean reconstruction, `(batch, *event_shape)`."""
        posterior = self._posterior_of(inputs, training)
        parameters = self._decoded(posterior.mean(), training)
        return self.likelihood.distribution(parameters).mean()

    def _posterior_of(self, x: Tensor, training: bool | None) -> Distribution:
        features = self.encoder(x, training=training)
        return self.posterior.distribution(self.posterior(features))

    def _decoded(self, z: Tensor, training: bool | None) -> dict[str, Tensor]:
        return self.likelihood(self.decoder(z, training=training))

    def _decoded_samples(
        self, z: Tensor, training: bool | None
    ) -> dict[str, Tensor]:
        """Decodes `(num_samples, batch, latent_dim)` in one batch."""
        lead = tuple(ops.shape(z)[:2])
        flat = ops.reshape(z, (-1, self.latent_dim))
        return {
            name: _unflatten(value, lead, self.event_shape)
            for name, value in self._decoded(flat, training).items()
        }

    def evidence(
        self,
        x: Tensor,
        posterior: Distribution,
        z: Tensor,
        training: bool | None = None,
    ) -> Evidence:
        """Gathers what objectives are computed from.

        Args:
            x: Tensor `(batch, *event_shape)`.
            posterior: q(z|x), batch shape `(batch,)`.
            z: Tensor `(num_samples, batch, latent_dim)`.
            training: Boolean, whether layers are in training mode.
        """
        parameters = self._decoded_samples(z, training)
        likelihood = self.likelihood.distribution(parameters)
        prior = self.prior.distribution()
        return Evidence(x, z, posterior, prior, likelihood)

    def forward_pass(
        self, x: Tensor, y: Tensor, training: bool
    ) -> tuple[Evidence, ELBOTerms, Tensor]:
        """Runs one step's forward pass; see `trainers.base`."""
        del y
        posterior = self._posterior_of(x, training)
        z = self.sampling.sample(posterior, self.objective.num_samples)
        evidence = self.evidence(x, posterior, z, training)
        terms = self.objective.terms(evidence)
        losses = self.objective.loss(evidence, terms, self.training_step.value)
        return evidence, terms, losses

    # --- Inference ----------------------------------------------------------

    def encode(self, x: Tensor) -> Distribution:
        """Returns q(z|x).

        Args:
            x: Array `(batch, *event_shape)`.

        Returns:
            `Distribution` with batch shape `(batch,)` and event shape
            `(latent_dim,)`.

        Raises:
            ValueError: if `x` has another shape.
        """
        return self._posterior_of(self._checked(x), training=False)

    def decode(self, z: Tensor) -> Distribution:
        """Returns p(x|z).

        Args:
            z: Array `(batch, latent_dim)`.

        Returns:
            `Distribution` with batch shape `(batch,)` and event shape
            `event_shape`.

        Raises:
            ValueError: if `z` has another shape.
        """
        z = ops.convert_to_tensor(z, dtype="float32")
        check_shape(z, (self.latent_dim,), name="z")
        return self.likelihood.distribution(self._decoded(z, training=False))

    def reconstruct(self, x: Tensor) -> Tensor:
        """Returns the mean of p(x|z) at the posterior mean.

        Args:
            x: Array `(batch, *event_shape)`.

        Returns:
            Tensor `(batch, *event_shape)`.

        Raises:
            ValueError: if `x` has another shape.
        """
        return self.decode(self.encode(x).mean()).mean()

    def compute_elbo(
        self, x: Tensor, num_samples: int = 1, seed: int | None = None
    ) -> ELBOTerms:
        """Estimates the ELBO and its terms.

        Args:
            x: Array `(batch, *event_shape)`.
            num_samples: Positive integer, latents drawn per example.
            seed: Integer, which takes the noise from the seeded stream, the
                same on every backend (sample s of example n is sample
                `n * num_samples + s` of the stream); or `None`, which takes
                it from the sampling layer's generator.

        Returns:
            Named tuple `elbo, log_likelihood, kl`, each `(batch,)` nats.

        Raises:
            ValueError: if `x` has another shape or `num_samples` is below 1.
        """
        positive_int("num_samples", num_samples, "Pass `num_samples=1`.")
        x = self._checked(x)
        posterior = self._posterior_of(x, training=False)
        z = estimation.draw(self, posterior, num_samples, seed)
        return self.objective.terms(self.evidence(x, posterior, z, False))

    def marginal_log_likelihood(
        self,
        x: Tensor,
        num_samples: int = 5000,
        seed: int | None = None,
        batch_size: int = 128,
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

        Returns:
            NumPy array `(batch,)`, nats, higher is better.

        Raises:
            ValueError: if `x` has another shape or a number is below 1.
        """
        positive_int("num_samples", num_samples, "Pass `num_samples=5000`.")
        positive_int("batch_size", batch_size, "Pass `batch_size=128`.")
        return estimation.marginal_log_likelihood(
            self, self._checked(x), num_samples, seed, batch_size
        )

    def _checked(self, x: Tensor) -> Tensor:
        x = ops.convert_to_tensor(x)
        check_shape(x, self.event_shape)
        return ops.cast(x, "float32")

    # --- Generation ---------------------------------------------------------

    @functools.cached_property
    def generator(self) -> keras.Model:
        """Functional model from z to the likelihood's mean.

        It shares the decoder's and the head's weights, and predicts, saves
        and exports alone.

        Input shape:
            `(batch, latent_dim)`.

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

        Returns:
            NumPy array `(num_samples, *event_shape)`, the likelihood's
            means; with `return_latents` a pair of it and the latents
            `(num_samples, latent_dim)`.

        Raises:
            TypeError: if `num_samples` or `seed` is no integer.
            ValueError: if an argument is out of its range.
        """
        z = generation.draw_latents(self.prior, num_samples, seed, temperature)
        images = generation.decode_in_batches(self.generator, z)
        return (images, z) if return_latents else images

    # --- Saving -------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, the parts serialised."""
        serialize = keras.saving.serialize_keras_object
        return {
            "name": self.name,
            "dtype": serialize(self.dtype_policy),
            **{part: serialize(getattr(self, part)) for part in _PARTS},
            "seed": self.seed,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> "VAE":
        """Rebuilds a VAE from `get_config`'s arguments."""
        deserialize = functools.partial(
            keras.saving.deserialize_keras_object,
            custom_objects=custom_objects,
        )
        config = dict(config)
        for part in (*_PARTS, "dtype"):
            config[part] = deserialize(config[part])
        return cls(**config)

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
                ends in `.onnx` for `"onnx"`.
            format: `"tf_saved_model"` or `"onnx"`.
            **kwargs: For `"onnx"`, `signature`. Defaults to `"decode"`.

        Raises:
            ImportError: if the extra `export` is not installed.
            ValueError: if an argument is not as described.
            FileExistsError: if something stands at `filepath`.
        """
        import keras_vae_export

        keras_vae_export.export_model(self, filepath, format=format, **kwargs)


def _unflatten(value: Tensor, lead: Shape, event_shape: Shape) -> Tensor:
    """Splits the batch axis where `value` has one; others broadcast."""
    rank = len(value.shape)
    if rank <= len(event_shape):
        return value
    return ops.reshape(value, (*lead, *value.shape[1:]))
