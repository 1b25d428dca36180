"""Does training raise the ELBO, and does every weight take part?"""

from typing import Any

import keras
import numpy as np

from keras_vae.models import VAE
from keras_vae.testing.failures import (
    check,
    check_equal,
    check_finite,
    to_numpy,
)
from keras_vae.testing.inputs import given

_KEYS = {"loss", "elbo", "log_likelihood", "kl"}


def check_fit_improves(
    vae: VAE,
    x: np.ndarray,
    epochs: int = 5,
    batch_size: int = 16,
    num_samples: int = 10,
    condition: np.ndarray | None = None,
) -> None:
    """Checks that `fit` raises the ELBO and moves every trainable weight.

    It trains the VAE, with `Adam(0.01)` where it is not compiled yet.

    Args:
        vae: VAE.
        x: Array `(num_examples, *event_shape)`.
        epochs: Integer, epochs to train. Defaults to `5`.
        batch_size: Integer. Defaults to `16`.
        num_samples: Integer, latents drawn per example to measure the ELBO
            with the same noise before and after. Defaults to `10`.
        condition: A `ConditionalVAE`'s labels or vectors, one an example.

    Raises:
        AssertionError: naming the weight that stood still, or both ELBOs.
    """
    if not vae.compiled:
        vae.compile(keras.optimizers.Adam(0.01))
    weights = {v.path: to_numpy(v) for v in vae.trainable_weights}
    check(weights, "A VAE must have trainable weights. Received: none.")
    before = _mean_elbo(vae, x, num_samples, condition)
    history = vae.fit(
        x, condition, epochs=epochs, batch_size=batch_size, verbose=0
    )
    _check_history(history.history, epochs)
    still = [
        v.path
        for v in vae.trainable_weights
        if np.array_equal(to_numpy(v), weights[v.path])
    ]
    check(
        not still,
        "Training must move every trainable weight. Received: "
        f"{len(still)} of {len(weights)} stood still: {still}.",
    )
    after = _mean_elbo(vae, x, num_samples, condition)
    check(
        after > before,
        f"{epochs} epochs must raise the mean ELBO. Received: {after:.3f} "
        f"nats after {before:.3f} nats.",
    )


def _mean_elbo(
    vae: VAE, x: np.ndarray, num_samples: int, condition: np.ndarray | None
) -> float:
    also = given(condition)
    terms = vae.compute_elbo(x, num_samples=num_samples, seed=0, **also)
    return float(to_numpy(terms.elbo).mean())


def _check_history(history: dict[str, Any], epochs: int) -> None:
    missing = _KEYS - set(history)
    check(
        not missing,
        f"The history must hold {sorted(_KEYS)}. Received: "
        f"{sorted(history)}, without {sorted(missing)}.",
    )
    for name in sorted(_KEYS):
        check_equal(f"The epochs of {name!r}", len(history[name]), epochs)
        check_finite(f"The history of {name!r}", history[name])
