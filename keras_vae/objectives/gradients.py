"""Losses whose gradient is not that of their value."""

from typing import Any

from keras import ops

from keras_vae.types import Tensor


def with_gradient_of(value: Tensor, surrogate: Tensor) -> Tensor:
    """Returns `value`, with the gradient of `surrogate`.

    Args:
        value: Tensor.
        surrogate: Finite tensor of the same shape.
    """
    return ops.stop_gradient(value) + (surrogate - ops.stop_gradient(surrogate))


@ops.custom_gradient
def _tap(z: Tensor) -> Tensor:
    def gradient(*args: Any, upstream: Tensor = None) -> Tensor:
        if upstream is None:  # Only PyTorch passes it by name.
            (upstream,) = args
        scale, factor = upstream[..., -2:-1], upstream[..., -1:]
        # Where the scale is 0, as for an example of weight 0, so is the rest.
        used = ops.not_equal(scale, 0.0)
        factor = factor / ops.where(used, scale, 1.0)
        return upstream[..., :-2] * ops.where(used, factor, 0.0)

    taps = ops.zeros_like(z[..., :1])
    return ops.concatenate([z, taps, taps], axis=-1), gradient


def tap(z: Tensor) -> tuple[Tensor, Tensor]:
    """Lets a factor that comes from z's use scale z's gradient.

    The factor of `tapped` is known only after z was decoded, while it must
    act in the backward pass before the encoder: it travels back as the
    gradient of two zeros that stand beside each z.

    Args:
        z: Tensor `(num_samples, batch, latent_dim)`.

    Returns:
        Pair of z itself, to be used in its place, and the taps,
        `(num_samples, batch, 2)`. Until the taps are in the loss, z passes
        no gradient on.
    """
    both = _tap(z)
    return both[..., :-2], both[..., -2:]


def tapped(taps: Tensor, factor: Tensor) -> Tensor:
    """Returns zeros which, in the loss, scale the gradient of the tapped z.

    Args:
        taps: Tensor `(num_samples, batch, 2)`, from `tap`.
        factor: Finite tensor `(num_samples, batch)`.

    Returns:
        Zeros `(batch,)`, to be added to the loss of each example.
    """
    return ops.sum(taps[..., 0] + taps[..., 1] * ops.stop_gradient(factor), 0)
