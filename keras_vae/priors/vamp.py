"""The VampPrior: a mixture of the posteriors of learned pseudo-inputs."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vae.distributions import Distribution, Mixture
from keras_vae.distributions.bounds import bounded
from keras_vae.priors.prior import Prior, registry
from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int, require

# Raw pseudo-inputs count up to it: 2e-9 from either bound.
_LIMIT = 20.0


@registry.register("vamp")
class VampPrior(Prior):
    """p(z) = 1/K sum_k q(z|u_k) with learned pseudo-inputs u_k.

    The pseudo-inputs pass through the VAE's own encoder, in inference mode,
    and its posterior, which learn from them too. They start at random; set
    them to data with `set_pseudo_inputs`. There is no analytic KL: train
    with `objectives.ELBO(kl="monte_carlo")`, and with a posterior that has a
    `log_prob`.
    Source: Tomczak & Welling, 2018, equation 9,
    https://arxiv.org/abs/1705.07120.

    Args:
        num_pseudo_inputs: Positive integer, K. Defaults to `500`.
        bounds: Pair of floats between which the pseudo-inputs stay, or
            `None` for data without bounds. Defaults to `(0.0, 1.0)`.

    Call arguments:
        z: Tensor `(..., latent_dim)`.

    Output shape:
        `(...,)`: log p(z) in nats.

    Raises:
        TypeError: if `num_pseudo_inputs` is no integer.
        ValueError: if an argument is out of its range, or the prior belongs
            to another VAE or to none.

    Example:
    >>> vae = keras_vae.VAE(
    ...     encoder, decoder,
    ...     prior=keras_vae.priors.VampPrior(num_pseudo_inputs=100),
    ...     objective=keras_vae.objectives.ELBO(kl="monte_carlo"),
    ... )
    >>> vae.prior.set_pseudo_inputs(x_train[:100])
    """

    def __init__(
        self,
        num_pseudo_inputs: int = 500,
        bounds: tuple[float, float] | None = (0.0, 1.0),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_pseudo_inputs = positive_int(
            "num_pseudo_inputs",
            num_pseudo_inputs,
            "Pass e.g. `VampPrior(num_pseudo_inputs=500)`.",
        )
        self.bounds = _check_bounds(bounds)
        self.event_shape: Shape | None = None
        self.condition_dim: int | None = None
        self.pseudo_conditions: Any = None
        self._parameters_of: Callable[..., dict[str, Tensor]] | None = None
        self._distribution_of: Callable[..., Distribution] = _refuse
        self._sizes: tuple[int, int] | None = None
        self._frozen: dict[str, np.ndarray] | None = None

    # --- Belonging to a VAE -------------------------------------------------

    def attach(
        self,
        parameters_of: Callable[..., dict[str, Tensor]],
        distribution_of: Callable[[dict[str, Tensor]], Distribution],
        event_shape: Shape,
        condition_dim: int | None = None,
    ) -> None:
        require(
            self._parameters_of in (None, parameters_of),
            "A VampPrior must belong to one VAE, whose encoder it uses. "
            "Received: a second one. Make a new one for it, e.g. "
            "`VampPrior(num_pseudo_inputs=500)`.",
        )
        require(
            self.event_shape is None
            or tuple(self.event_shape) == tuple(event_shape),
            f"The pseudo-inputs must have the shape {tuple(event_shape)} of "
            f"the VAE's x. Received: {self.event_shape}. Make a new prior, "
            "e.g. `VampPrior(num_pseudo_inputs=500)`.",
        )
        require(
            not self.built or self.condition_dim == condition_dim,
            "The pseudo-conditions must have the condition's size, "
            f"{condition_dim}. Received: {self.condition_dim}. Make a new "
            "prior, e.g. `VampPrior(num_pseudo_inputs=500)`.",
        )
        self.event_shape = tuple(event_shape)
        self.condition_dim = condition_dim
        self._parameters_of = parameters_of
        self._distribution_of = distribution_of

    def build(self, latents_shape: Shape) -> None:
        super().build(latents_shape)
        if self.event_shape is None:
            raise _unattached()
        self.raw_pseudo_inputs = self.add_weight(
            name="raw_pseudo_inputs",
            shape=(self.num_pseudo_inputs, *self.event_shape),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
        )
        if self.condition_dim is not None:
            self.pseudo_conditions = self.add_weight(
                name="pseudo_conditions",
                shape=(self.num_pseudo_inputs, self.condition_dim),
                initializer=keras.initializers.Constant(
                    1.0 / self.condition_dim
                ),
            )

    def get_build_config(self) -> dict[str, Any] | None:
        """Returns what `build_from_config` needs: the shape of x too."""
        if not self.built or self.event_shape is None:
            return None
        return {
            "input_shape": [None, self.latent_dim],
            "event_shape": list(self.event_shape),
            "condition_dim": self.condition_dim,
        }

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the prior before it belongs to a VAE again."""
        self.event_shape = tuple(config["event_shape"])
        self.condition_dim = config["condition_dim"]
        self.build(config["input_shape"])

    # --- Pseudo-inputs ------------------------------------------------------

    @property
    def pseudo_inputs(self) -> Tensor:
        """The pseudo-inputs, `(num_pseudo_inputs, *event_shape)`."""
        raw = ops.convert_to_tensor(self.raw_pseudo_inputs)
        if self.bounds is None:
            return raw
        low, high = self.bounds
        return low + (high - low) * ops.sigmoid(bounded(raw, _LIMIT))

    def set_pseudo_inputs(self, x: Any, condition: Any = None) -> None:
        """Sets the pseudo-inputs, e.g. to examples of the data.

        Args:
            x: Array `(num_pseudo_inputs, *event_shape)`. Values within a
                thousandth of the bounds are moved there, where they can
                still learn.
            condition: In a `ConditionalVAE`, their vectors
                `(num_pseudo_inputs, condition_dim)`; otherwise `None`.

        Raises:
            ValueError: if an array has another shape or `x` leaves the
                bounds.
        """
        values = _checked_array("x", x, tuple(self.raw_pseudo_inputs.shape))
        raw = self._raw_of(values)
        if self.pseudo_conditions is not None:
            shape = tuple(self.pseudo_conditions.shape)
            vectors = _checked_array("condition", condition, shape)
            self.pseudo_conditions.assign(vectors)
        else:
            require(
                condition is None,
                "`condition` must be left out: the VAE has none. Received: "
                f"a {type(condition).__name__}. Pass `x` alone.",
            )
        self.raw_pseudo_inputs.assign(raw)

    def _raw_of(self, values: np.ndarray) -> np.ndarray:
        if self.bounds is None:
            return values
        low, high = self.bounds
        inside = bool(np.all((values >= low) & (values <= high)))
        require(
            inside,
            f"`x` must lie between the bounds {self.bounds}. Received: values "
            f"from {values.min()} to {values.max()}. Pass e.g. "
            "`VampPrior(bounds=None)`.",
        )
        part = np.clip((values - low) / (high - low), 1e-3, 1 - 1e-3)
        c = 2.0 / np.pi * _LIMIT
        # The inverse of `bounded`.
        return c * np.tan(np.log(part / (1 - part)) / c)

    # --- The prior ----------------------------------------------------------

    def parameters(self) -> dict[str, Tensor]:
        """The posterior's parameters at the pseudo-inputs, by name."""
        if self._frozen is not None:
            constants = self._frozen.items()
            return {k: ops.convert_to_tensor(v) for k, v in constants}
        if self._parameters_of is None:
            raise _unattached()
        if self.pseudo_conditions is None:
            return self._parameters_of(self.pseudo_inputs)
        conditions = ops.convert_to_tensor(self.pseudo_conditions)
        return self._parameters_of(self.pseudo_inputs, conditions)

    def freeze(self) -> None:
        """Keeps the posterior's parameters as constants."""
        parameters = self.parameters()
        self._frozen = {
            name: np.asarray(ops.convert_to_numpy(value))
            for name, value in parameters.items()
        }

    def components(self) -> Distribution:
        """The components, batch shape `(num_pseudo_inputs,)`."""
        return self._distribution_of(self.parameters())

    def distribution(self) -> Mixture:
        logits = ops.zeros((self.num_pseudo_inputs,), dtype="float32")
        return Mixture(logits, self.components())

    @property
    def num_normals(self) -> int:
        return self._noise_sizes()[0]

    @property
    def num_uniforms(self) -> int:
        return self._noise_sizes()[1]

    def _noise_sizes(self) -> tuple[int, int]:
        if self._sizes is None:
            components = self.components()
            sizes = (components.num_normals, 1 + components.num_uniforms)
            self._sizes = sizes
        return self._sizes

    def choice_probabilities(self) -> np.ndarray:
        return np.full((1, self.num_pseudo_inputs), 1 / self.num_pseudo_inputs)

    def from_choices(
        self,
        normals: Tensor,
        choices: Tensor,
        uniforms: Tensor | None = None,
    ) -> Tensor:
        """Maps noise to latents; `uniforms` are the components' own."""
        chosen = {
            name: ops.take(value, choices[:, 0], axis=0)
            for name, value in self.parameters().items()
        }
        return self._distribution_of(chosen).from_noise(normals, uniforms)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_pseudo_inputs": self.num_pseudo_inputs,
            "bounds": None if self.bounds is None else list(self.bounds),
        }


def _checked_array(name: str, value: Any, shape: Shape) -> np.ndarray:
    array = np.asarray(ops.convert_to_numpy(value))
    require(
        array.shape == shape,
        f"`{name}` must have the shape {shape}. Received: {name}.shape="
        f"{array.shape}. Pass e.g. `{name}_train[:{shape[0]}]`.",
    )
    return array.astype("float64")


def _refuse(parameters: dict[str, Tensor]) -> Distribution:
    raise _unattached()


def _unattached() -> ValueError:
    return ValueError(
        "A VampPrior must belong to a VAE, whose encoder it uses. Received: "
        "no VAE. Pass it to one, e.g. `VAE(encoder, decoder, "
        "prior=priors.VampPrior(num_pseudo_inputs=500))`."
    )


def _check_bounds(bounds: Any) -> tuple[float, float] | None:
    if bounds is None:
        return None
    fine = isinstance(bounds, (tuple, list)) and len(bounds) == 2
    fine = fine and all(np.isfinite(bounds)) and bounds[0] < bounds[1]
    require(
        fine,
        "`bounds` must be two finite numbers, the lower one first, or None. "
        f"Received: bounds={bounds!r}. Pass e.g. `bounds=(0.0, 1.0)`.",
    )
    return float(bounds[0]), float(bounds[1])
