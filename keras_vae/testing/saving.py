"""Does a saved VAE come back whole, here and on other backends?"""

import os
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from keras_vae.models import VAE
from keras_vae.testing.failures import check, check_close, check_equal, to_numpy
from keras_vae.testing.inputs import call_inputs, given

Answers = Mapping[str, Any]


def saved_answers(
    vae: VAE, x: np.ndarray, condition: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """What a VAE must answer alike wherever it is loaded.

    Args:
        vae: VAE.
        x: Array `(batch, *event_shape)`.
        condition: A `ConditionalVAE`'s labels or vectors, one an example.

    Returns:
        Arrays by name: `reconstruction`, `elbo` (with seeded noise) and
        `images` (generated from a seed).
    """
    first = None if condition is None else condition[:1]
    return {
        "reconstruction": to_numpy(vae(call_inputs(x, condition))),
        "elbo": to_numpy(vae.compute_elbo(x, seed=0, **given(condition)).elbo),
        "images": vae.generate(2, seed=0, **given(first)),
    }


def check_save_and_load(
    vae: VAE,
    x: np.ndarray,
    load_elsewhere: Callable[[str], Answers] | None = None,
    condition: np.ndarray | None = None,
) -> None:
    """Checks that a VAE survives the `.keras` format.

    Reconstructions and generated images agree within 1e-6, relative where
    they are above 1, the ELBO within 1e-5 of its value; the training step
    and what `compile` was given come back, and so does the optimizer.

    Args:
        vae: VAE; its state of compilation is checked if it has one.
        x: Array `(batch, *event_shape)`.
        load_elsewhere: Function of the file's path that loads the file, in
            another process with another backend, and returns its
            `saved_answers`. Defaults to `None`.
        condition: A `ConditionalVAE`'s labels or vectors, one an example.

    Raises:
        AssertionError: naming the answer that differs.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        vae.save(path)
        loaded = keras.saving.load_model(path)
        expected = saved_answers(vae, x, condition)
        received = saved_answers(loaded, x, condition)
        _check_answers("The loaded VAE", received, expected)
        _check_state(vae, loaded)
        if load_elsewhere is not None:
            answers = load_elsewhere(path)
            _check_answers("The VAE loaded elsewhere", answers, expected)


def _check_answers(who: str, received: Answers, expected: Answers) -> None:
    for name, value in expected.items():
        relative = 1e-5 if name == "elbo" else 1e-6
        check_close(f"{who}'s {name}", received[name], value, 1e-6, relative)


def _check_state(vae: VAE, loaded: VAE) -> None:
    check_equal(
        "The loaded VAE's training step",
        int(to_numpy(loaded.training_step)),
        int(to_numpy(vae.training_step)),
    )
    check_equal("The loaded VAE's `compiled`", loaded.compiled, vae.compiled)
    if not vae.compiled:
        return
    check_equal(
        "What the loaded VAE was compiled with",
        loaded.get_compile_config(),
        vae.get_compile_config(),
    )
    check(
        type(loaded.optimizer) is type(vae.optimizer),
        f"The optimizer must be a {type(vae.optimizer).__name__}. Received: "
        f"{type(loaded.optimizer).__name__}.",
    )
    for ours, theirs in zip(
        vae.optimizer.variables, loaded.optimizer.variables, strict=True
    ):
        check_close(f"The optimizer's {ours.path}", theirs, ours, 0.0)
