"""A mixture of distributions of one kind."""

from keras import ops

from keras_vae.distributions.distribution import Distribution
from keras_vae.types import Shape, Tensor
from keras_vae.validation import require


class Mixture(Distribution):
    """p(x) = sum_k w_k p_k(x).

    A draw takes one uniform more than a component's: it chooses the
    component. Samples pass no gradient on to the weights.

    Args:
        logits: Tensor of shape `batch_shape + (num_components,)`,
            unnormalised log-weights.
        components: Distribution over vectors with batch shape
            `batch_shape + (num_components,)`.

    Output shape:
        `log_prob(x)`: `batch_shape`, in nats.

    Raises:
        ValueError: if the shapes do not fit.
        NotImplementedError: from `mode` and `entropy`.

    Example:
    >>> p = keras_vae.distributions.Mixture(
    ...     keras.ops.zeros((2,)), keras_vae.distributions.Normal(locs, scales)
    ... )
    >>> p.sample(4, seed=0).shape
    (4, 3)
    """

    def __init__(self, logits: Tensor, components: Distribution) -> None:
        self.logits = ops.convert_to_tensor(logits, dtype="float32")
        self.components = components
        shape = tuple(self.logits.shape)
        require(
            len(shape) > 0 and shape == tuple(components.batch_shape),
            "`logits` must have the batch shape of `components`. Received: "
            f"logits.shape={shape} and components.batch_shape="
            f"{tuple(components.batch_shape)}. Pass one logit a component.",
        )
        self.num_normals = components.num_normals
        self.num_uniforms = components.num_uniforms + 1
        self.reference_measure = components.reference_measure

    @property
    def batch_shape(self) -> Shape:
        return tuple(ops.shape(self.logits)[:-1])

    @property
    def event_shape(self) -> Shape:
        return self.components.event_shape

    @property
    def probabilities(self) -> Tensor:
        """Weights of the components, of the shape of `logits`."""
        return ops.softmax(self.logits, axis=-1)

    def log_prob(self, x: Tensor) -> Tensor:
        # log sum_k exp(log w_k + log p_k(x))
        terms = self.components.log_prob(ops.expand_dims(x, -2))
        log_weights = ops.log_softmax(self.logits, axis=-1)
        return ops.logsumexp(log_weights + terms, axis=-1)

    def mean(self) -> Tensor:
        weights = ops.expand_dims(self.probabilities, -1)
        return ops.sum(weights * self.components.mean(), axis=-2)

    def mode(self) -> Tensor:
        raise self._unknown("mode")

    def entropy(self) -> Tensor:
        raise self._unknown("entropy")

    def from_noise(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> Tensor:
        uniforms = ops.convert_to_tensor(uniforms)
        rest = None
        if self.num_uniforms > 1:
            rest = ops.expand_dims(uniforms[..., 1:], -2)
        samples = self.components.from_noise(ops.expand_dims(normals, -2), rest)
        chosen = ops.expand_dims(self._chosen(uniforms[..., :1]), -1)
        return ops.sum(chosen * samples, axis=-2)

    def _chosen(self, uniform: Tensor) -> Tensor:
        """The chosen component as a one-hot vector, from `(..., 1)`."""
        cumulative = ops.cumsum(self.probabilities, axis=-1)[..., :-1]
        passed = ops.cast(uniform >= cumulative, "int32")
        index = ops.sum(passed, axis=-1)
        return ops.one_hot(index, int(self.logits.shape[-1]), dtype="float32")

    def stopped(self) -> "Mixture":
        return Mixture(
            ops.stop_gradient(self.logits), self.components.stopped()
        )

    def _unknown(self, what: str) -> NotImplementedError:
        return NotImplementedError(
            f"The {what} of a mixture has no closed form. Estimate it from "
            "samples, e.g. `-p.log_prob(p.sample(1000, seed=0))` for the "
            "entropy."
        )
