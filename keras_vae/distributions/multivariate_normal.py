"""The normal distribution with a full covariance."""

import math

from keras import ops

from keras_vae.distributions.kl import register_kl
from keras_vae.distributions.normal import Normal
from keras_vae.distributions.vector import VectorDistribution, check_last_axes
from keras_vae.types import Tensor

_LOG_2PI = math.log(2.0 * math.pi)


class MultivariateNormal(VectorDistribution):
    """Normal distribution with covariance `scale_tril scale_tril^T`.

    Source: Kingma & Welling, 2019, section 2.5.1,
    https://arxiv.org/abs/1906.02691.

    Args:
        loc: Tensor of shape `batch_shape + (dim,)`, the mean.
        scale_tril: Lower triangular tensor of shape
            `batch_shape + (dim, dim)` with a positive diagonal, the Cholesky
            factor of the covariance.

    Output shape:
        `log_prob(x)` and `entropy()`: `batch_shape`, in nats.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
    >>> loc, scale_tril = keras.ops.zeros((2, 3)), keras.ops.eye(3)
    >>> q = keras_vae.distributions.MultivariateNormal(
    ...     loc, keras.ops.stack([scale_tril, scale_tril])
    ... )
    >>> q.log_prob(loc).shape
    (2,)
    """

    def __init__(self, loc: Tensor, scale_tril: Tensor) -> None:
        self.loc = ops.convert_to_tensor(loc, dtype="float32")
        self.scale_tril = ops.convert_to_tensor(scale_tril, dtype="float32")
        dim = self.loc.shape[-1]
        check_last_axes("scale_tril", self.scale_tril, (dim, dim), "loc")

    @property
    def vector(self) -> Tensor:
        return self.loc

    @property
    def num_normals(self) -> int:  # type: ignore[override]
        """Standard normals that one draw takes: one per dimension."""
        return self.event_size

    def log_prob(self, x: Tensor) -> Tensor:
        x = ops.cast(x, "float32")
        # log N(x; loc, L L^T) = log N(L^-1 (x - loc); 0, I) - log det L
        standard = solve_lower(self.scale_tril, x - self.loc)
        return self._log_prob_of_noise(standard)

    def _log_prob_of_noise(self, standard: Tensor) -> Tensor:
        squares = ops.sum(ops.square(standard), axis=-1)
        constant = 0.5 * self.event_size * _LOG_2PI
        return -0.5 * squares - self.log_det() - constant

    def log_det(self) -> Tensor:
        """Log-determinant of `scale_tril`, shape `batch_shape`."""
        # `ops.diagonal` has no plain form in ONNX.
        eye = ops.eye(int(self.scale_tril.shape[-1]), dtype="float32")
        diagonal = ops.sum(self.scale_tril * eye, axis=-1)
        return ops.sum(ops.log(diagonal), axis=-1)

    def variance(self) -> Tensor:
        """Variances of the elements, shape `batch_shape + event_shape`."""
        return ops.sum(ops.square(self.scale_tril), axis=-1)

    def mean(self) -> Tensor:
        return self.loc

    def mode(self) -> Tensor:
        return self.loc

    def entropy(self) -> Tensor:
        return 0.5 * self.event_size * (1.0 + _LOG_2PI) + self.log_det()

    def from_noise(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> Tensor:
        # z = loc + L eps
        del uniforms
        product = ops.matmul(self.scale_tril, ops.expand_dims(normals, -1))
        return self.loc + ops.squeeze(product, -1)

    def from_noise_with_log_prob(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        # Exact, and without solving for the noise.
        samples = self.from_noise(normals, uniforms)
        return samples, self._log_prob_of_noise(normals)

    def stopped(self) -> "MultivariateNormal":
        return MultivariateNormal(
            ops.stop_gradient(self.loc), ops.stop_gradient(self.scale_tril)
        )


def solve_lower(scale_tril: Tensor, x: Tensor) -> Tensor:
    """Solves `scale_tril y = x` for vectors x.

    Args:
        scale_tril: Lower triangular tensor `(*batch, dim, dim)`.
        x: Tensor `(..., *batch, dim)`.

    Returns:
        Tensor of the shape of `x`.
    """
    batch = tuple(ops.shape(scale_tril)[:-1])
    columns = ops.moveaxis(ops.reshape(x, (-1, *batch)), 0, -1)
    solved = ops.solve_triangular(scale_tril, columns, lower=True)
    return ops.reshape(ops.moveaxis(solved, -1, 0), ops.shape(x))


def kl_to_normal(
    mean: Tensor, variance: Tensor, log_det: Tensor, p: Normal
) -> Tensor:
    """KL(N(mean, C) || p) for any C, from its diagonal and determinant.

    Args:
        mean: Tensor `(*batch, dim)`.
        variance: Tensor `(*batch, dim)`, the diagonal of C.
        log_det: Tensor `(*batch,)`, half the log-determinant of C.
        p: Normal with a diagonal covariance and `event_ndim=1`.

    Returns:
        Tensor `(*batch,)` nats.
    """
    # 1/2 sum_i [(C_ii + (m_i - p_i)^2) / s_i^2 - 1] + sum_i log s_i - log_det
    scale = p.scale + ops.zeros_like(mean)
    squares = (variance + ops.square(mean - p.loc)) / ops.square(scale)
    terms = 0.5 * (squares - 1.0) + ops.log(scale)
    return ops.sum(terms, axis=-1) - log_det


def scaled_basis(scale: Tensor) -> Tensor:
    """The columns of `diag(scale)` as `(dim, *batch, dim)`."""
    dim = int(scale.shape[-1])
    axes = (dim, *[1] * (len(scale.shape) - 1), dim)
    return ops.reshape(ops.eye(dim, dtype="float32"), axes) * scale


def _kl_to_multivariate(
    loc: Tensor, columns: Tensor, log_det: Tensor, p: MultivariateNormal
) -> Tensor:
    # 1/2 (|L_p^-1 L_q|^2 + |L_p^-1 (m_q - m_p)|^2 - dim) + log(det_p / det_q)
    ratio = ops.square(solve_lower(p.scale_tril, columns))
    shift = ops.square(solve_lower(p.scale_tril, loc - p.loc))
    squares = ops.sum(ratio, axis=(0, -1)) + ops.sum(shift, axis=-1)
    return 0.5 * (squares - p.event_size) + p.log_det() - log_det


@register_kl(MultivariateNormal, Normal)
def _kl_multivariate_normal(q: MultivariateNormal, p: Normal) -> Tensor:
    return kl_to_normal(q.loc, q.variance(), q.log_det(), p)


@register_kl(Normal, MultivariateNormal)
def _kl_normal_multivariate(q: Normal, p: MultivariateNormal) -> Tensor:
    scale = q.scale + ops.zeros_like(q.loc + p.loc)
    log_det = ops.sum(ops.log(scale), axis=-1)
    return _kl_to_multivariate(q.loc, scaled_basis(scale), log_det, p)


@register_kl(MultivariateNormal, MultivariateNormal)
def _kl_multivariate_multivariate(
    q: MultivariateNormal, p: MultivariateNormal
) -> Tensor:
    factor = q.scale_tril + ops.zeros_like(p.scale_tril)
    columns = ops.moveaxis(factor, -1, 0)
    return _kl_to_multivariate(q.loc, columns, q.log_det(), p)
