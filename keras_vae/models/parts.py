"""A VAE as a Keras model: its parts, its forward pass, its saving."""

import copy
import dataclasses
import functools
from typing import Any

import keras
from keras import ops

from keras_vae import likelihoods, objectives, posteriors, priors
from keras_vae.distributions import Distribution
from keras_vae.layers import Sampling
from keras_vae.models import checks, estimation
from keras_vae.objectives import ELBOTerms, Evidence
from keras_vae.trainers import Trainer
from keras_vae.types import Shape, Tensor

_PARTS = (
    "encoder",
    "decoder",
    "posterior",
    "prior",
    "likelihood",
    "objective",
)


class PartsModel(Trainer):  # type: ignore[misc, valid-type]
    """A Keras model made of a VAE's parts; `VAE` documents its arguments.

    It builds the parts and checks that they fit together, runs the forward
    pass that training needs, and saves and loads itself.
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
        self.track_extra_terms(self.objective.extra_terms)
        self.sampling = Sampling(seed, name="sampling")
        self.seed = self.sampling.seed
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
        self.posterior.attach(lambda: self.training_step.value)
        if not self.posterior.built:
            self.posterior.build(features)
        checks.check_built_for("posterior", self.posterior, features)
        self.prior.attach(
            self._posterior_parameters,
            self.posterior.distribution,
            self.event_shape,
        )
        latents = (None, self.latent_dim)
        if not self.prior.built:
            self.prior.build(latents)
        checks.check_built_for("prior", self.prior, latents)
        features = checks.output_shape_of(
            "decoder", self.decoder, (self.latent_dim,)
        )
        if not self.likelihood.built:
            self.likelihood.build(features, event_shape=self.event_shape)
        checks.check_built_for(
            "likelihood", self.likelihood, features, self.event_shape
        )

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
        return self.posterior.distribution(
            self._posterior_parameters(x, training)
        )

    def _posterior_parameters(
        self, x: Tensor, training: bool | None = False
    ) -> dict[str, Tensor]:
        if self.likelihood.allows_missing:
            x = ops.where(ops.isnan(x), 0.0, x)
        return self.posterior(self.encoder(x, training=training))

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
        draw: tuple[Tensor, Tensor | None],
        training: bool | None = None,
    ) -> Evidence:
        """Gathers what objectives are computed from.

        Args:
            x: Tensor `(batch, *event_shape)`.
            posterior: q(z|x), batch shape `(batch,)`.
            draw: Pair of z, `(num_samples, batch, latent_dim)`, and
                log q(z|x), `(num_samples, batch)` nats or `None`.
            training: Boolean, whether layers are in training mode.
        """
        parameters = self._decoded_samples(draw[0], training)
        likelihood = self.likelihood.distribution(parameters)
        prior = self.prior.distribution()
        return Evidence(x, *draw, posterior, prior, likelihood)

    def forward_pass(
        self, x: Tensor, y: Tensor, training: bool
    ) -> tuple[Evidence, ELBOTerms, Tensor]:
        """Runs one step's forward pass; see `trainers.base`."""
        del y
        posterior = self._posterior_of(x, training)
        z, log_q = estimation.draw(
            self.sampling,
            posterior,
            self.objective.num_samples,
            with_log_prob=self.objective.needs_log_q,
        )
        z, taps = self.objective.prepare(z)
        evidence = self.evidence(x, posterior, (z, log_q), training)
        evidence = dataclasses.replace(evidence, taps=taps)
        terms = self.objective.terms(evidence)
        losses = self.objective.loss(evidence, terms, self.training_step.value)
        return evidence, terms, losses

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
    ) -> "PartsModel":
        """Rebuilds the model from `get_config`'s arguments."""
        deserialize = functools.partial(
            keras.saving.deserialize_keras_object,
            custom_objects=custom_objects,
        )
        config = copy.deepcopy(config)  # Keras empties what it is given.
        for part in (*_PARTS, "dtype"):
            config[part] = deserialize(config[part])
        return cls(**config)


def _unflatten(value: Tensor, lead: Shape, event_shape: Shape) -> Tensor:
    """Splits the batch axis where `value` has one; others broadcast."""
    rank = len(value.shape)
    if rank <= len(event_shape):
        return value
    return ops.reshape(value, (*lead, *value.shape[1:]))
