"""Is it built, and are the shapes what the parts say?"""

from typing import Any

import numpy as np

from keras_vae.models import VAE, conditions
from keras_vae.testing.failures import check, check_equal, check_finite
from keras_vae.testing.inputs import call_inputs, given
from keras_vae.types import Shape


def check_build_and_shapes(
    vae: VAE, x: np.ndarray, condition: np.ndarray | None = None
) -> None:
    """Checks that a VAE is built and answers in the shapes it documents.

    Args:
        vae: VAE.
        x: Array `(batch, *event_shape)`.
        condition: A `ConditionalVAE`'s labels or vectors, one an example.

    Raises:
        AssertionError: naming the answer whose shape is wrong.
    """
    batch = len(x)
    check(vae.built, "A VAE must be built when it is made.")
    check_equal("`x.shape[1:]`", tuple(x.shape[1:]), vae.event_shape)
    also = given(condition)
    posterior = vae.encode(x, **also)
    _check_distribution("encode(x)", posterior, (batch,), (vae.latent_dim,))
    z = posterior.mean()
    likelihood = vae.decode(z, **also)
    _check_distribution("decode(z)", likelihood, (batch,), vae.event_shape)
    images = (batch, *vae.event_shape)
    answers = {
        "encode(x).mean()": (z, (batch, vae.latent_dim)),
        "encode(x).sample(2)": (
            posterior.sample(2, seed=0),
            (2, batch, vae.latent_dim),
        ),
        "decode(z).mean()": (likelihood.mean(), images),
        "decode(z).log_prob(x)": (likelihood.log_prob(x), (batch,)),
        "vae(x)": (vae(call_inputs(x, condition)), images),
        "reconstruct(x)": (vae.reconstruct(x, **also), images),
        "generator(z)": (_generated(vae, z, condition), images),
        "marginal_log_likelihood(x)": (
            vae.marginal_log_likelihood(x, num_samples=2, **also),
            (batch,),
        ),
    }
    for name, (value, shape) in answers.items():
        check_equal(f"`{name}`'s shape", tuple(value.shape), shape)
        check_finite(f"`{name}`", value)


def _generated(vae: VAE, z: Any, condition: np.ndarray | None) -> Any:
    if vae.condition_dim is None or condition is None:
        return vae.generator(z)
    vectors = conditions.as_vectors(condition, vae.condition_dim)
    return vae.generator({"z": z, "condition": vectors})


def _check_distribution(
    name: str, distribution: Any, batch_shape: Shape, event_shape: Shape
) -> None:
    for attribute, expected in (
        ("batch_shape", batch_shape),
        ("event_shape", event_shape),
    ):
        received = tuple(getattr(distribution, attribute))
        check_equal(f"`{name}.{attribute}`", received, expected)
