"""Does a seed give the same images, whatever their number?"""

import numpy as np

from keras_vae.models import VAE
from keras_vae.testing.failures import (
    check,
    check_close,
    check_equal,
    check_finite,
)
from keras_vae.testing.inputs import given


def check_seeded_generation(
    vae: VAE,
    seed: int = 7,
    num_samples: int = 5,
    condition: np.ndarray | None = None,
) -> None:
    """Checks what `generate` promises of its seed.

    The same seed gives the same latents, bit for bit, and the same images;
    another seed gives others; and the first samples do not depend on how
    many are drawn.

    Args:
        vae: VAE.
        seed: Integer. Defaults to `7`.
        num_samples: Integer, at least 2. Defaults to `5`.
        condition: A `ConditionalVAE`'s labels or vectors, of which the
            first is the samples' condition.

    Raises:
        AssertionError: naming the promise that is broken.
    """
    first = None if condition is None else condition[:1]
    options = {"return_latents": True, **given(first)}
    images, latents = vae.generate(num_samples, seed=seed, **options)
    check_equal(
        "`generate`'s shape", images.shape, (num_samples, *vae.event_shape)
    )
    check_equal("`z`'s shape", latents.shape, (num_samples, vae.latent_dim))
    check_finite("`generate`", images)
    for count in (num_samples, num_samples - 1):
        part, z = vae.generate(count, seed=seed, **options)
        check(
            np.array_equal(z, latents[:count]),
            f"The first {count} latents of a seed must not change. Received "
            f"for seed {seed}:\n{z}\nand before:\n{latents[:count]}",
        )
        check_close("`generate` of the same seed", part, images[:count])
    others = vae.generate(num_samples, seed=seed + 1, **options)[1]
    check(
        not np.array_equal(others, latents),
        f"Another seed must give other latents. Received: the same {latents}"
        f" for the seeds {seed} and {seed + 1}.",
    )
