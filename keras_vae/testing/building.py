"""Is it built, and are the shapes what the parts say?"""

from typing import Any

import numpy as np

from keras_vae.models import VAE
from keras_vae.testing.failures import check, check_equal, check_finite
from keras_vae.types import Shape


def check_build_and_shapes(vae: VAE, x: np.ndarray) -> None:
    """Checks that a VAE is built and answers in the shapes it documents.

    Args:
        vae: VAE.
        x: Array `(batch, *event_shape)`.

    Raises:
        AssertionError: naming the answer whose shape is wrong.
    """
    batch = len(x)
    check(vae.built, "A VAE must be built when it is made.")
    check_equal("`x.shape[1:]`", tuple(x.shape[1:]), vae.event_shape)
    posterior = vae.encode(x)
    _check_distribution("encode(x)", posterior, (batch,), (vae.latent_dim,))
    likelihood = vae.decode(posterior.mean())
    _check_distribution("decode(z)", likelihood, (batch,), vae.event_shape)
    images = (batch, *vae.event_shape)
    answers = {
        "encode(x).mean()": (posterior.mean(), (batch, vae.latent_dim)),
        "encode(x).sample(2)": (
            posterior.sample(2, seed=0),
            (2, batch, vae.latent_dim),
        ),
        "decode(z).mean()": (likelihood.mean(), images),
        "decode(z).log_prob(x)": (likelihood.log_prob(x), (batch,)),
        "vae(x)": (vae(x), images),
        "reconstruct(x)": (vae.reconstruct(x), images),
        "generator(z)": (vae.generator(posterior.mean()), images),
        "marginal_log_likelihood(x)": (
            vae.marginal_log_likelihood(x, num_samples=2),
            (batch,),
        ),
    }
    for name, (value, shape) in answers.items():
        check_equal(f"`{name}`'s shape", tuple(value.shape), shape)
        check_finite(f"`{name}`", value)


def _check_distribution(
    name: str, distribution: Any, batch_shape: Shape, event_shape: Shape
) -> None:
    for attribute, expected in (
        ("batch_shape", batch_shape),
        ("event_shape", event_shape),
    ):
        received = tuple(getattr(distribution, attribute))
        check_equal(f"`{name}.{attribute}`", received, expected)
