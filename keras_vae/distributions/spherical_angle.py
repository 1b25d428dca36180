"""The von Mises-Fisher distribution's height w along its mean direction.

Everywhere `missing` stands for 1 - w, which float32 keeps where w is near 1.
"""

import numpy as np
from keras import ops

from keras_vae.types import Tensor

# Gauss-Legendre quadrature of the implicit gradient.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
# Standard deviations of the angle beyond which no mass is left.
_REACH = 10.0
_TINY = 1e-20


def angle_proposals(normals: Tensor, uniforms: Tensor, kappa: Tensor) -> Tensor:
    """Samples 1 - w by rejection from a fixed number of proposals.

    The first accepted proposal is taken, or the last one.
    Source: Davidson et al., 2018, algorithm 2 (Wood, 1994). The proposals'
    Beta variate is (1 - t) / 2, t an element of a random unit vector.

    Args:
        normals: Tensor `(..., *batch, num_proposals, dim)`.
        uniforms: Tensor `(..., *batch, num_proposals)`.
        kappa: Tensor `(*batch,)`, the concentration.

    Returns:
        Tensor `(..., *batch)` without a gradient.
    """
    kappa = ops.expand_dims(ops.stop_gradient(kappa), -1)
    free = float(normals.shape[-1] - 1)
    low, high = _both_ends(normals)
    b = free / (2.0 * kappa + ops.sqrt(4.0 * ops.square(kappa) + free**2))
    # w = (1 - (1 + b) e) / (1 - (1 - b) e)
    missing = 2.0 * b * low / (high + b * low)
    border = 2.0 * b / (1.0 + b)  # 1 - x_0
    # kappa w + free log(1 - x_0 w) - c
    ratio = (border + (1.0 - border) * missing) / (border * (2.0 - border))
    score = kappa * (border - missing) + free * ops.log(ratio)
    accepted = ops.cast(score >= ops.log(uniforms), "int32")
    accepted = ops.concatenate(
        [accepted[..., :-1], ops.ones_like(accepted[..., -1:])], axis=-1
    )
    first = ops.equal(ops.cumsum(accepted, axis=-1) * accepted, 1)
    chosen = ops.sum(ops.where(first, missing, 0.0), axis=-1)
    return ops.stop_gradient(chosen)


def _both_ends(normals: Tensor) -> tuple[Tensor, Tensor]:
    """(1 - t) / 2 and (1 + t) / 2 of the first element t of unit vectors."""
    first = normals[..., 0]
    rest = ops.sum(ops.square(normals[..., 1:]), axis=-1)
    length = ops.sqrt(ops.maximum(ops.square(first) + rest, _TINY))
    reach = length + ops.abs(first)
    near = 0.5 * rest / (length * reach)
    far = 0.5 * reach / length
    positive = first > 0.0
    return ops.where(positive, near, far), ops.where(positive, far, near)


def height_with_gradient(
    missing: Tensor, kappa: Tensor, dim: int, mean: Tensor
) -> Tensor:
    """Gives 1 - w its implicit gradient by the concentration.

    dw/dkappa = -(dF/dkappa) / f(w) with F the distribution function of w and
    f its density.
    Source: Figurnov et al., 2018, equation 8.

    Args:
        missing: Tensor `(..., *batch)`, samples of 1 - w.
        kappa: Tensor `(*batch,)`.
        dim: Integer.
        mean: Tensor `(*batch,)`, the expectation of w.

    Returns:
        `missing`, differentiable by `kappa`.
    """
    fixed = ops.stop_gradient(kappa)
    slope = _slope(missing, fixed, dim, ops.stop_gradient(mean))
    return missing - ops.stop_gradient(slope) * (kappa - fixed)


def _slope(missing: Tensor, kappa: Tensor, dim: int, mean: Tensor) -> Tensor:
    """dw/dkappa from the integral over the tail that lies beyond w.

    In angles, w = cos(a), the density is g(a) = sin(a)^(dim - 2)
    exp(kappa cos(a)), and dw/dkappa = sin(a) / g(a) times the integral of
    g |cos - mean| over the angles on that side of a where the mean is not.
    """
    half = ops.arcsin(ops.sqrt(ops.clip(0.5 * missing, 0.0, 1.0)))
    angle = 2.0 * half
    reach = _REACH / ops.sqrt(ops.maximum(kappa, max(dim - 2.0, 1e-3)))
    beyond = 1.0 - missing < mean
    end = ops.where(
        beyond,
        ops.minimum(angle + reach, np.pi),
        ops.maximum(angle - reach, 0.0),
    )
    nodes = ops.convert_to_tensor(0.5 * (_NODES + 1.0), dtype="float32")
    weights = ops.convert_to_tensor(0.5 * _WEIGHTS, dtype="float32")
    width = ops.expand_dims(end - angle, -1)
    angle, kappa, mean = (
        ops.expand_dims(one, -1) for one in (angle, kappa, mean)
    )
    angles = angle + width * nodes
    # cos(a) - cos(b) = -2 sin((a + b) / 2) sin((a - b) / 2)
    middle, apart = 0.5 * (angles + angle), 0.5 * width * nodes
    exponent = -2.0 * kappa * ops.sin(middle) * ops.sin(apart)
    sines = ops.maximum(ops.sin(angles), _TINY)
    sine = ops.maximum(ops.sin(angle), _TINY)
    exponent = exponent + (dim - 2.0) * ops.log(sines / sine)
    excess = (1.0 - mean) - 2.0 * ops.square(ops.sin(0.5 * angles))
    terms = weights * ops.exp(exponent) * ops.abs(excess)
    total = ops.sum(terms, axis=-1) * ops.abs(width[..., 0])
    return ops.sin(angle[..., 0]) * total
