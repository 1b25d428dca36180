"""The von Mises-Fisher distribution on the unit sphere."""

import math

from keras import ops

from keras_vae.distributions.bessel import bessel_i_ratio, log_bessel_i
from keras_vae.distributions.kl import register_kl
from keras_vae.distributions.spherical_angle import (
    angle_proposals,
    height_with_gradient,
)
from keras_vae.distributions.uniform_sphere import (
    UniformSphere,
    check_sphere_dim,
    log_surface,
    normalize,
)
from keras_vae.distributions.vector import VectorDistribution, inner_product
from keras_vae.types import Tensor

_TINY = 1e-20


class VonMisesFisher(VectorDistribution):
    """The normal distribution's kin on the unit sphere.

    A draw takes the first accepted one of a fixed number of proposals, so
    that it is a function of a fixed amount of noise. At least 66 % are
    accepted, whatever the dimension and the concentration: of 12, none is in
    3 of a million draws, which then take the last one. The gradient of a
    sample by the concentration is implicit, and does not know how the
    sample was found: it is exact, where the acceptance's part is left out
    otherwise.
    Source: Davidson et al., 2018, algorithm 1 and appendices A and B,
    https://arxiv.org/abs/1804.00891; Figurnov et al., 2018, equation 8,
    https://arxiv.org/abs/1805.08498 (the gradient).

    Args:
        mean_direction: Tensor of shape `batch_shape + (dim,)`, of length 1.
        concentration: Positive tensor of shape `batch_shape`.
        num_proposals: Positive integer. Defaults to `12`.

    Output shape:
        `log_prob(x)` and `entropy()`: `batch_shape`, in nats, by the
        sphere's surface, for x of length 1.

    Raises:
        ValueError: if `dim` is below 2.

    Example:
    >>> q = keras_vae.distributions.VonMisesFisher(
    ...     keras.ops.array([[1.0, 0.0, 0.0]]), keras.ops.array([10.0])
    ... )
    >>> q.sample(4, seed=0).shape
    (4, 1, 3)
    """

    reference_measure = "sphere"

    def __init__(
        self,
        mean_direction: Tensor,
        concentration: Tensor,
        num_proposals: int = 12,
    ) -> None:
        self.mean_direction = ops.convert_to_tensor(
            mean_direction, dtype="float32"
        )
        self.concentration = ops.convert_to_tensor(
            concentration, dtype="float32"
        )
        self.dim = check_sphere_dim(
            "dim",
            int(self.mean_direction.shape[-1]),
            "VonMisesFisher(mean_direction=[0.0, 1.0], concentration=1.0)",
        )
        self.num_proposals = num_proposals
        self.num_normals = num_proposals * self.dim + self.dim - 1
        self.num_uniforms = num_proposals

    @property
    def vector(self) -> Tensor:
        return self.mean_direction

    def log_prob(self, x: Tensor) -> Tensor:
        # C(kappa) exp(kappa mu^T x), with mu^T x - 1 = -|x - mu|^2 / 2
        distance = ops.square(ops.cast(x, "float32") - self.mean_direction)
        exponent = -0.5 * self.concentration * ops.sum(distance, axis=-1)
        return exponent + self._log_normalizer()

    def _log_normalizer(self) -> Tensor:
        """Log C(kappa) + kappa."""
        # C = kappa^v / ((2 pi)^(v + 1) I_v(kappa)), v = dim / 2 - 1
        v, kappa = 0.5 * self.dim - 1.0, self.concentration
        log_bessel = log_bessel_i(v, kappa, exponentially_scaled=True)
        constant = 0.5 * self.dim * math.log(2.0 * math.pi)
        return v * ops.log(kappa) - constant - log_bessel

    def mean_resultant_length(self) -> Tensor:
        """Length of the expectation, between 0 and 1: `batch_shape`."""
        return bessel_i_ratio(0.5 * self.dim - 1.0, self.concentration)

    def mean(self) -> Tensor:
        """The mean direction, on the sphere.

        The expectation lies inside of it, at `mean_resultant_length()`.
        """
        return self.mean_direction

    def mode(self) -> Tensor:
        return self.mean_direction

    def entropy(self) -> Tensor:
        # -E[log p] = kappa (1 - A(kappa)) - (log C(kappa) + kappa)
        missing = 1.0 - self.mean_resultant_length()
        return self.concentration * missing - self._log_normalizer()

    def from_noise(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> Tensor:
        kappa = self.concentration
        split = self.num_proposals * self.dim
        proposals = ops.reshape(
            normals[..., :split],
            (*ops.shape(normals)[:-1], self.num_proposals, self.dim),
        )
        missing = angle_proposals(proposals, uniforms, kappa)
        missing = height_with_gradient(
            missing, kappa, self.dim, self.mean_resultant_length()
        )
        missing = ops.expand_dims(missing, -1)
        # (w, sqrt(1 - w^2) v) around the first axis, 1 - w^2 = (1 - w)(1 + w)
        across = ops.sqrt(ops.maximum(missing * (2.0 - missing), _TINY))
        around = normalize(normals[..., split:])
        upright = ops.concatenate([1.0 - missing, across * around], axis=-1)
        return self._turn(upright)

    def _turn(self, upright: Tensor) -> Tensor:
        """Reflects the first axis to the mean direction.

        Of the two reflections that do, up to a sign, the one that is far
        from singular.
        """
        first = self.mean_direction[..., :1]
        sign = ops.where(first >= 0.0, 1.0, -1.0)
        u = ops.concatenate(
            [first + sign, self.mean_direction[..., 1:]], axis=-1
        )
        length = ops.sum(ops.square(u), axis=-1, keepdims=True)
        along = inner_product(upright, u)
        return sign * (2.0 * u * along / length - upright)

    def stopped(self) -> "VonMisesFisher":
        return VonMisesFisher(
            ops.stop_gradient(self.mean_direction),
            ops.stop_gradient(self.concentration),
            self.num_proposals,
        )


@register_kl(VonMisesFisher, UniformSphere)
def _kl_von_mises_fisher_uniform(q: VonMisesFisher, p: UniformSphere) -> Tensor:
    # Davidson et al., 2018, equation 4: log |S| - H(q)
    return log_surface(p.dim) - q.entropy()
