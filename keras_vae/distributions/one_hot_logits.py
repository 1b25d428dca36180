"""What the discrete and the relaxed one-hot distributions have in common."""

from keras import ops

from keras_vae.distributions.distribution import Distribution
from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int, require


class OneHotLogits(Distribution):
    """Independent categorical variables, their vectors laid end to end.

    Args:
        logits: Tensor of shape `batch_shape + (num_variables,
            num_categories)`, unnormalised log-probabilities.

    Raises:
        ValueError: if `logits` has fewer than two axes.
    """

    def __init__(self, logits: Tensor) -> None:
        self.logits = ops.convert_to_tensor(logits, dtype="float32")
        require(
            len(self.logits.shape) >= 2,
            "`logits` must have shape (..., num_variables, num_categories). "
            f"Received: logits.shape={tuple(self.logits.shape)}. For one "
            "variable pass e.g. `ops.expand_dims(logits, -2)`.",
        )

    @property
    def batch_shape(self) -> Shape:
        return tuple(ops.shape(self.logits)[:-2])

    @property
    def event_shape(self) -> Shape:
        num_variables, num_categories = self.logits.shape[-2:]
        return (num_variables * num_categories,)

    @property
    def num_uniforms(self) -> int:  # type: ignore[override]
        """Uniforms that one draw takes: one per category."""
        return self.event_size

    @property
    def log_probabilities(self) -> Tensor:
        """Normalised `logits`, of the same shape."""
        return ops.log_softmax(self.logits, axis=-1)

    def mean(self) -> Tensor:
        """The categories' probabilities, `batch_shape + event_shape`."""
        return self._joined(ops.softmax(self.logits, axis=-1))

    def _apart(self, x: Tensor) -> Tensor:
        x = ops.cast(x, "float32")
        return ops.reshape(x, (*ops.shape(x)[:-1], *self.logits.shape[-2:]))

    def _joined(self, values: Tensor) -> Tensor:
        lead = ops.shape(values)[:-2]
        return ops.reshape(values, (*lead, *self.event_shape))

    def _perturbed(self, uniforms: Tensor) -> Tensor:
        # Gumbel noise: -log(-log u)
        gumbels = -ops.log(-ops.log(self._apart(uniforms)))
        return self.logits + gumbels

    def _largest(self, scores: Tensor) -> Tensor:
        # Keras's `argmax` has no form in ONNX on floats.
        chosen = ops.squeeze(ops.top_k(scores, k=1)[1], axis=-1)
        return ops.one_hot(chosen, int(scores.shape[-1]), dtype="float32")


def check_same_categories(q: OneHotLogits, p: OneHotLogits) -> None:
    """Raises unless q and p have equally many variables and categories.

    Raises:
        ValueError: with both numbers of each.
    """
    shapes = [tuple(one.logits.shape[-2:]) for one in (q, p)]
    require(
        shapes[0] == shapes[1],
        "The posterior and the prior must have equally many variables and "
        f"categories. Received: {shapes[0]} and {shapes[1]}. Pass both the "
        "same `num_categories`.",
    )


def check_num_categories(num_categories: int | None, latent_dim: int) -> int:
    """Returns how many categories each variable has; `None` for one variable.

    Raises:
        TypeError: if `num_categories` is no integer.
        ValueError: if it is below 2 or does not divide `latent_dim`.
    """
    fix = "Pass e.g. `latent_dim=200, num_categories=10` for 20 variables."
    if num_categories is None:
        num_categories = latent_dim
    count = positive_int("num_categories", num_categories, fix)
    require(
        count >= 2 and latent_dim % count == 0,
        "`num_categories` must be at least 2 and divide `latent_dim`. "
        f"Received: num_categories={count}, latent_dim={latent_dim}. {fix}",
    )
    return count
