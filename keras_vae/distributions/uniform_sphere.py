"""The uniform distribution on the unit sphere."""

import math

from keras import ops

from keras_vae.distributions.vector import VectorDistribution
from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int, require

_TINY = 1e-20


class UniformSphere(VectorDistribution):
    """Uniform distribution on the unit sphere of `dim` dimensions.

    Source: Davidson et al., 2018, section 3.2,
    https://arxiv.org/abs/1804.00891.

    Args:
        dim: Integer, at least 2, of the space around the sphere.

    Output shape:
        `log_prob(x)` and `entropy()`: `()`, in nats, by the sphere's
        surface, for x of length 1.

    Raises:
        TypeError: if `dim` is no integer.
        ValueError: if `dim` is below 2.
        NotImplementedError: from `mode`.

    Example:
    >>> p = keras_vae.distributions.UniformSphere(3)
    >>> p.sample(4, seed=0).shape
    (4, 3)
    """

    reference_measure = "sphere"

    def __init__(self, dim: int) -> None:
        self.dim = check_sphere_dim("dim", dim, "UniformSphere(dim=3)")
        self.num_normals = self.dim

    @property
    def batch_shape(self) -> Shape:
        return ()

    @property
    def event_shape(self) -> Shape:
        return (self.dim,)

    def log_prob(self, x: Tensor) -> Tensor:
        x = ops.cast(x, "float32")
        return ops.zeros_like(x[..., 0]) - log_surface(self.dim)

    def mean(self) -> Tensor:
        return ops.zeros((self.dim,), dtype="float32")

    def mode(self) -> Tensor:
        raise NotImplementedError(
            "The mode of a uniform distribution is any of its points. Take "
            "e.g. `sample(seed=0)`."
        )

    def entropy(self) -> Tensor:
        return ops.full((), log_surface(self.dim), dtype="float32")

    def from_noise(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> Tensor:
        del uniforms
        return normalize(normals)

    def stopped(self) -> "UniformSphere":
        return self


def normalize(x: Tensor) -> Tensor:
    """Divides vectors `(..., dim)` by their lengths; 0 stays 0."""
    squares = ops.sum(ops.square(x), axis=-1, keepdims=True)
    return x * ops.rsqrt(ops.maximum(squares, _TINY))


def log_surface(dim: int) -> float:
    """Logarithm of the area of the unit sphere in `dim` dimensions."""
    # 2 pi^(dim / 2) / Gamma(dim / 2)
    half = 0.5 * dim
    return math.log(2.0) + half * math.log(math.pi) - math.lgamma(half)


def check_sphere_dim(name: str, dim: int, call: str) -> int:
    """Returns `dim` if a sphere in so many dimensions is connected.

    Raises:
        TypeError: if it is no integer.
        ValueError: if it is below 2.
    """
    dim = positive_int(name, dim, f"Pass e.g. `{call}`.")
    require(
        dim >= 2,
        f"`{name}` must be at least 2: the sphere in 1 dimension is two "
        f"points. Received: {name}={dim}. Pass e.g. `{call}`.",
    )
    return dim
