"""A normal distribution whose axes Householder reflections have turned."""

from keras import ops

from keras_vae.distributions.kl import register_kl
from keras_vae.distributions.multivariate_normal import (
    kl_to_normal,
    scaled_basis,
)
from keras_vae.distributions.normal import Normal
from keras_vae.distributions.vector import (
    VectorDistribution,
    check_last_axes,
    inner_product,
)
from keras_vae.types import Tensor

_TINY = 1e-20


class HouseholderNormal(VectorDistribution):
    """The law of z = H_K ... H_1 z_0 with z_0 ~ N(loc, diag(scale^2)).

    `H_k = I - 2 v_k v_k^T / |v_k|^2` reflects: its log-determinant is 0 and
    it is its own inverse. So z is normal with a full covariance, and mean,
    mode, entropy and log-density have closed forms.
    Source: Tomczak & Welling, 2016, equation 9,
    https://arxiv.org/abs/1611.09630.

    Args:
        loc: Tensor of shape `batch_shape + (dim,)`, the mean of z_0.
        scale: Positive tensor of shape `batch_shape + (dim,)`.
        vectors: Tensor of shape `batch_shape + (num_reflections, dim)`.

    Output shape:
        `log_prob(x)` and `entropy()`: `batch_shape`, in nats.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
    >>> q = keras_vae.distributions.HouseholderNormal(
    ...     keras.ops.zeros((5, 3)), keras.ops.ones((5, 3)),
    ...     keras.ops.ones((5, 2, 3)),
    ... )
    >>> q.mean().shape
    (5, 3)
    """

    def __init__(self, loc: Tensor, scale: Tensor, vectors: Tensor) -> None:
        self.base = Normal(loc, scale)
        self.vectors = ops.convert_to_tensor(vectors, dtype="float32")
        dim = self.base.loc.shape[-1]
        check_last_axes("vectors", self.vectors, (dim,), "loc")

    @property
    def vector(self) -> Tensor:
        return self.base.loc

    @property
    def num_normals(self) -> int:  # type: ignore[override]
        """Standard normals that one draw takes: one per dimension."""
        return self.base.num_normals

    def reflect(self, z: Tensor, inverse: bool = False) -> Tensor:
        """Applies the reflections to z, or undoes them.

        Args:
            z: Tensor `(..., *batch_shape, dim)`.
            inverse: Boolean. Defaults to `False`.

        Returns:
            Tensor of the same shape.
        """
        order = range(int(self.vectors.shape[-2]))
        for k in reversed(order) if inverse else order:
            v = self.vectors[..., k, :]
            length = ops.sum(ops.square(v), axis=-1, keepdims=True)
            v = v * ops.rsqrt(ops.maximum(length, _TINY))
            z = z - 2.0 * v * inner_product(z, v)
        return z

    def log_prob(self, x: Tensor) -> Tensor:
        x = ops.cast(x, "float32")
        return self.base.log_prob(self.reflect(x, inverse=True))

    def mean(self) -> Tensor:
        return self.reflect(self.base.loc)

    def mode(self) -> Tensor:
        return self.mean()

    def variance(self) -> Tensor:
        """Variances of the elements, shape `batch_shape + event_shape`."""
        columns = self.reflect(scaled_basis(self._full_scale()))
        return ops.sum(ops.square(columns), axis=0)

    def log_det(self) -> Tensor:
        """Half the log-determinant of the covariance: `batch_shape`."""
        return ops.sum(ops.log(self._full_scale()), axis=-1)

    def _full_scale(self) -> Tensor:
        return self.base.scale + ops.zeros_like(self.base.loc)

    def entropy(self) -> Tensor:
        return self.base.entropy()

    def from_noise(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> Tensor:
        return self.reflect(self.base.from_noise(normals, uniforms))

    def from_noise_with_log_prob(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        z, log_prob = self.base.from_noise_with_log_prob(normals, uniforms)
        return self.reflect(z), log_prob

    def stopped(self) -> "HouseholderNormal":
        base = self.base.stopped()
        vectors = ops.stop_gradient(self.vectors)
        return HouseholderNormal(base.loc, base.scale, vectors)


@register_kl(HouseholderNormal, Normal)
def _kl_householder_normal(q: HouseholderNormal, p: Normal) -> Tensor:
    return kl_to_normal(q.mean(), q.variance(), q.log_det(), p)
