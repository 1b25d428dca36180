"""What distributions over vectors have in common."""

from keras import ops

from keras_vae.distributions.distribution import Distribution
from keras_vae.types import Shape, Tensor
from keras_vae.validation import require


class VectorDistribution(Distribution):
    """A batch of distributions over vectors: one event is the last axis.

    A subclass says in `vector` which tensor has the shape
    `batch_shape + event_shape`.
    """

    @property
    def vector(self) -> Tensor:
        """A parameter of shape `batch_shape + event_shape`."""
        raise NotImplementedError

    @property
    def batch_shape(self) -> Shape:
        return tuple(ops.shape(self.vector)[:-1])

    @property
    def event_shape(self) -> Shape:
        return tuple(ops.shape(self.vector)[-1:])

    def _no_closed_form(self, what: str, instead: str) -> NotImplementedError:
        return NotImplementedError(
            f"The {what} of `{type(self).__name__}` has no closed form. "
            f"{instead}"
        )


def inner_product(a: Tensor, b: Tensor) -> Tensor:
    """Returns the sum of `a * b` over the last axis, kept with size 1.

    A matrix product: what XLA makes of `z - v * sum(v * z)` for CPUs is wrong
    beyond 32,768 elements where the last axis is small (jax 0.10.2).

    Args:
        a: Tensor `(..., dim)`.
        b: Tensor `(..., dim)`; leading axes broadcast.

    Returns:
        Tensor `(..., 1)`.
    """
    product = ops.matmul(ops.expand_dims(a, -2), ops.expand_dims(b, -1))
    return ops.squeeze(product, -1)


def check_last_axes(
    name: str, value: Tensor, expected: Shape, vector: str
) -> None:
    """Raises unless the last axes of a parameter fit those of a vector.

    Raises:
        ValueError: with both shapes.
    """
    last = tuple(value.shape)[-len(expected) :]
    require(
        last == expected,
        f"`{name}` must have the last axes {expected}, to fit `{vector}`. "
        f"Received: {name}.shape={tuple(value.shape)}. Pass both for the "
        "same number of latent dimensions.",
    )
