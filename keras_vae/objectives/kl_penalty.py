"""What the ELBO's objective may make of the KL before it is weighted."""

from keras import ops

from keras_vae.distributions import Distribution, Normal, kl_divergence
from keras_vae.types import Tensor


def kl_per_dimension(q: Distribution, p: Distribution) -> Tensor:
    """KL of each latent dimension, `(batch, latent_dim)` nats, in closed form.

    Args:
        q: q(z|x), event shape `(latent_dim,)`.
        p: p(z), event shape `(latent_dim,)`.

    Raises:
        NotImplementedError: unless both are normal and independent across
            dimensions, so that their KL is a sum over them.
    """
    if not (isinstance(q, Normal) and isinstance(p, Normal)):
        raise NotImplementedError(
            "Free bits per dimension must be given a posterior and a prior "
            "that are both a Normal with independent dimensions. Received: "
            f"({type(q).__name__}, {type(p).__name__}). Apply them to the "
            "whole KL with `ELBO(free_bits=..., free_bits_groups=1)`."
        )
    return kl_divergence(
        Normal(q.loc, q.scale, event_ndim=0),
        Normal(p.loc, p.scale, event_ndim=0),
    )


def grouped_kl(
    kl_by_dimension: Tensor, num_groups: int | None = None
) -> Tensor:
    """Sums the KL over each of `num_groups` runs of dimensions.

    Args:
        kl_by_dimension: Tensor `(batch, latent_dim)` nats.
        num_groups: Integer, or `None` for each dimension by itself.

    Returns:
        Tensor `(batch, num_groups)` nats.

    Raises:
        ValueError: if the dimensions cannot be split evenly.
    """
    latent_dim = int(kl_by_dimension.shape[-1])
    if num_groups is None:
        return kl_by_dimension
    if latent_dim % num_groups:
        raise ValueError(
            f"`free_bits_groups` must divide the {latent_dim} latent "
            f"dimensions. Received: free_bits_groups={num_groups}. Pass e.g. "
            f"`ELBO(free_bits=0.5, free_bits_groups={latent_dim})`."
        )
    size = latent_dim // num_groups
    return ops.sum(
        ops.reshape(kl_by_dimension, (-1, num_groups, size)), axis=-1
    )


def with_free_bits(kl: Tensor, nats: float) -> Tensor:
    """Charges each group at least `nats`, however small its KL.

    The batch's mean is clamped, not each example: while the mean of a group
    exceeds `nats`, every example passes its gradient on.

    Args:
        kl: Tensor `(batch, num_groups)` nats.
        nats: Float.

    Returns:
        Tensor `(batch,)`, whose mean is the sum over groups of
        `max(nats, mean of the group's KL)`.
    """
    active = ops.mean(kl, axis=0, keepdims=True) > nats
    return ops.sum(ops.where(active, kl, nats), axis=-1)


def distance_to(capacity: Tensor, kl: Tensor) -> Tensor:
    """Distance of the batch's mean KL from a capacity.

    Args:
        capacity: Scalar, nats.
        kl: Tensor `(batch,)` nats.

    Returns:
        Tensor `(batch,)`, whose mean is `|mean(kl) - capacity|`.
    """
    above = ops.mean(kl) >= capacity
    return ops.where(above, kl - capacity, capacity - kl)
