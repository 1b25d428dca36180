"""A VAE as a Keras model: its parts, its forward pass, its saving."""

import copy
import dataclasses
import functools
import math
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

    Wherever a `condition` is passed on, it is `None` but in a model whose
    networks take one: there, vectors `(batch, condition_dim)`.
    """

    # Size of the condition that the networks take beside x and z, if any.
    condition_dim: Any = None

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
        self.event_shape = self._shapes_of("encoder", encoder)
        latents = self._shapes_of("decoder", decoder)
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

    def _shapes_of(self, name: str, network: keras.Model) -> Shape:
        """Returns the shape of what a network maps, x or z."""
        return checks.input_shape_of(name, network)

    def _inputs_of(
        self, network: keras.Model, first: Tensor, condition: Tensor
    ) -> Any:
        """Returns what a network is called with."""
        return first

    def _features_of(self, name: str, shape: Shape) -> Shape:
        network = getattr(self, name)
        inputs = self._inputs_of(
            network,
            checks.symbolic(shape),
            self.condition_dim and checks.symbolic((self.condition_dim,)),
        )
        return checks.output_shape_of(name, network, inputs)

    def _build_parts(self) -> None:
        features = self._features_of("encoder", self.event_shape)
        self.posterior.attach(lambda: self.training_step.value)
        if not self.posterior.built:
            self.posterior.build(features)
        checks.check_built_for("posterior", self.posterior, features)
        self.prior.attach(
            self.posterior_parameters,
            self.posterior.distribution,
            self.event_shape,
            self.condition_dim,
        )
        latents = (None, self.latent_dim)
        if not self.prior.built:
            self.prior.build(latents)
        checks.check_built_for("prior", self.prior, latents)
        features = self._features_of("decoder", (self.latent_dim,))
        if not self.likelihood.built:
            self.likelihood.build(features, event_shape=self.event_shape)
        checks.check_built_for(
            "likelihood", self.likelihood, features, self.event_shape
        )

    def likelihood_size(self) -> int:
        """Returns how many numbers the parameters of one p(x|z) are."""
        features = self._features_of("decoder", (self.latent_dim,))
        spec = keras.KerasTensor(features, dtype="float32")
        parameters = self.likelihood.compute_output_spec(spec)
        return sum(math.prod(one.shape[1:]) for one in parameters.values())

    def build(self, input_shape: Shape) -> None:
        """Marks the model as built: its parts were, at construction."""
        self.built = True

    # --- The model ----------------------------------------------------------

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Returns the mean reconstruction, `(batch, *event_shape)`."""
        return self._reconstruction(inputs, None, training)

    def _reconstruction(
        self, x: Tensor, condition: Tensor, training: bool | None
    ) -> Tensor:
        z = self._posterior_of(x, condition, training).mean()
        parameters = self._decoded(z, condition, training)
        return self.likelihood.distribution(parameters).mean()

    def _posterior_of(
        self, x: Tensor, condition: Tensor, training: bool | None
    ) -> Distribution:
        return self.posterior.distribution(
            self.posterior_parameters(x, condition, training)
        )

    def posterior_parameters(
        self,
        x: Tensor,
        condition: Tensor = None,
        training: bool | None = False,
    ) -> dict[str, Tensor]:
        """Returns the parameters of q(z|x) by name.

        Args:
            x: Tensor `(batch, *event_shape)`.
            condition: Tensor `(batch, condition_dim)`, or `None`.
            training: Boolean, whether layers are in training mode.
        """
        if self.likelihood.allows_missing:
            x = ops.where(ops.isnan(x), 0.0, x)
        inputs = self._inputs_of(self.encoder, x, condition)
        return self.posterior(self.encoder(inputs, training=training))

    def _decoded(
        self, z: Tensor, condition: Tensor, training: bool | None
    ) -> dict[str, Tensor]:
        inputs = self._inputs_of(self.decoder, z, condition)
        return self.likelihood(self.decoder(inputs, training=training))

    def _decoded_samples(
        self, z: Tensor, condition: Tensor, training: bool | None
    ) -> dict[str, Tensor]:
        """Decodes `(num_samples, batch, latent_dim)` in one batch.

        A single sample has no axis in what is returned: XLA is slow at the
        gradients of sums over two leading axes.
        """
        num_samples = int(z.shape[0])
        flat = ops.reshape(z, (-1, self.latent_dim))
        if condition is not None:
            condition = ops.tile(condition, (num_samples, 1))
        decoded = self._decoded(flat, condition, training)
        if num_samples == 1:
            return decoded
        return {
            name: _unflatten(value, num_samples, self.event_shape)
            for name, value in decoded.items()
        }

    def evidence(
        self,
        x: Tensor,
        posterior: Distribution | None,
        draw: tuple[Tensor, Tensor | None],
        training: bool | None = None,
        condition: Tensor = None,
    ) -> Evidence:
        """Gathers what objectives are computed from.

        Args:
            x: Tensor `(batch, *event_shape)`.
            posterior: q(z|x), batch shape `(batch,)`, or `None` where log
                q(z|x) is all that is needed of it.
            draw: Pair of z, `(num_samples, batch, latent_dim)`, and
                log q(z|x), `(num_samples, batch)` nats or `None`.
            training: Boolean, whether layers are in training mode.
            condition: Tensor `(batch, condition_dim)`, or `None`.
        """
        parameters = self._decoded_samples(draw[0], condition, training)
        likelihood = self.likelihood.distribution(parameters)
        prior = self.prior.distribution()
        return Evidence(x, *draw, posterior, prior, likelihood)

    def elbo_from_noise(
        self,
        x: Tensor,
        normals: Tensor,
        uniforms: Tensor = None,
        condition: Tensor = None,
    ) -> ELBOTerms:
        """Returns the ELBO and its terms from noise that is given.

        Args:
            x: Tensor `(batch, *event_shape)`.
            normals: Tensor `(num_samples, batch, num_normals)`, what the
                posterior takes.
            uniforms: Tensor `(num_samples, batch, num_uniforms)`, or `None`
                where the posterior takes none.
            condition: Tensor `(batch, condition_dim)`, or `None`.
        """
        posterior = self._posterior_of(x, condition, training=False)
        draw = estimation.from_noise(
            posterior, (normals, uniforms), self.objective.needs_log_q
        )
        evidence = self.evidence(x, posterior, draw, False, condition)
        return self.objective.terms(evidence)

    def forward_pass(
        self, x: Tensor, y: Tensor, training: bool
    ) -> tuple[Evidence, ELBOTerms, Tensor]:
        """Runs one step's forward pass; see `trainers.base`."""
        x = ops.convert_to_tensor(x)
        condition = None
        if self.condition_dim is not None:
            condition = self._condition_vectors(y)
        posterior = self._posterior_of(x, condition, training)
        z, log_q = estimation.draw(
            self.sampling,
            posterior,
            self.objective.num_samples,
            with_log_prob=self.objective.needs_log_q,
        )
        z, taps = self.objective.prepare(z)
        evidence = self.evidence(x, posterior, (z, log_q), training, condition)
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


def _unflatten(value: Tensor, num_samples: int, event_shape: Shape) -> Tensor:
    """Splits the batch axis where `value` has one; others broadcast."""
    rank = len(value.shape)
    if rank <= len(event_shape):
        return value
    # The size that -1 stands for may be 0, which ONNX takes for a copy.
    return ops.reshape(value, (num_samples, -1, *value.shape[1:]))
