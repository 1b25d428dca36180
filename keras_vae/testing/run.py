"""All checks of a VAE, one after the other."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from keras_vae.models import VAE
from keras_vae.testing.building import check_build_and_shapes
from keras_vae.testing.config import check_config_round_trip
from keras_vae.testing.elbo import check_elbo_identity
from keras_vae.testing.exporting import check_export_parity
from keras_vae.testing.generation import check_seeded_generation
from keras_vae.testing.inputs import given
from keras_vae.testing.saving import Answers, check_save_and_load
from keras_vae.testing.training import check_fit_improves
from keras_vae.validation import one_of

CHECKS = (
    "build_and_shapes",
    "elbo_identity",
    "config_round_trip",
    "fit_improves",
    "save_and_load",
    "seeded_generation",
    "export_parity",
)


def run_vae_test(
    make_vae: Callable[[], VAE],
    x: np.ndarray,
    *,
    epochs: int = 5,
    skip: Collection[str] = (),
    load_elsewhere: Callable[[str], Answers] | None = None,
    condition: np.ndarray | None = None,
) -> VAE:
    """Runs every check of this package on a VAE.

    Args:
        make_vae: Function that returns a new `VAE`.
        x: Array `(num_examples, *event_shape)`, some tens of examples.
        epochs: Integer, epochs to train. Defaults to `5`.
        skip: Names of checks to leave out: `"build_and_shapes"`,
            `"elbo_identity"`, `"config_round_trip"`, `"fit_improves"`,
            `"save_and_load"`, `"seeded_generation"` and `"export_parity"`,
            the last of which takes the extra `export` and a minute.
        load_elsewhere: As in `check_save_and_load`, which is given the
            first 8 examples.
        condition: A `ConditionalVAE`'s labels or vectors, one an example.

    Returns:
        The VAE that was made and trained.

    Raises:
        AssertionError: with what was received and what was expected.
        TypeError: if `make_vae` does not return a `VAE`.
        ValueError: if `skip` names an unknown check.

    Example:
    >>> keras_vae.testing.run_vae_test(make_vae, x, skip=["export_parity"])
    """
    for name in skip:
        one_of("skip", name, CHECKS, 'Pass e.g. `skip=["export_parity"]`.')
    vae = _made(make_vae)
    few = x[:8]
    also = given(None if condition is None else condition[:8])
    whole = given(condition)
    steps: dict[str, Callable[[], Any]] = {
        "build_and_shapes": lambda: check_build_and_shapes(vae, few, **also),
        "elbo_identity": lambda: check_elbo_identity(vae, few, **also),
        "config_round_trip": lambda: check_config_round_trip(vae, few, **also),
        "fit_improves": lambda: check_fit_improves(vae, x, epochs, **whole),
        "save_and_load": lambda: check_save_and_load(
            vae, few, load_elsewhere, **also
        ),
        "seeded_generation": lambda: check_seeded_generation(vae, **also),
        "export_parity": lambda: check_export_parity(vae, **also),
    }
    for name, step in steps.items():
        if name not in skip:
            step()
    return vae


def _made(make_vae: Callable[[], VAE]) -> VAE:
    vae = make_vae()
    if not isinstance(vae, VAE):
        raise TypeError(
            "`make_vae` must return a keras_vae.VAE. Received: "
            f"{vae!r} of type {type(vae).__name__}. Pass e.g. "
            "`run_vae_test(lambda: keras_vae.VAE(encoder, decoder), x)`."
        )
    return vae
