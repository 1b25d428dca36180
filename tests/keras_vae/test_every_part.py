"""Every registered part, in a VAE that passes the shipped checks.

The cheap checks run on each backend. What needs other processes, the loading
on another backend and the export, runs once for each part.
"""

import functools

import pytest

from keras_vae import (
    likelihoods,
    objectives,
    posteriors,
    priors,
    testing,
)
from tests.parts import PARTS, make_vae_with

TASK = "tests.worker_tasks:saved_answers"


def ids(part):
    return f"{part.kind}-{part.name}"


def test_no_part_is_forgotten():
    registered = {
        (kind.kind, name)
        for kind in (
            posteriors.registry,
            priors.registry,
            likelihoods.registry,
            objectives.registry,
        )
        for name in kind.classes
    }
    assert {(part.kind, part.name) for part in PARTS} == registered


@pytest.mark.parametrize("part", PARTS, ids=ids)
def test_the_checks_pass(part):
    testing.run_vae_test(
        lambda: make_vae_with(part),
        part.x(),
        epochs=3,
        skip=["export_parity"],
    )


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("part", PARTS, ids=ids)
def test_it_is_loaded_elsewhere_and_exported(workers, part):
    pytest.importorskip(
        "onnxruntime", reason="It runs the exported file, in onnxruntime."
    )
    vae, x = make_vae_with(part), part.x()[:8]
    vae.compile("adam")
    testing.check_export_parity(vae)
    # Every other part on one of the others; what a part computes is compared
    # between all three in `models/test_backends_agree.py` and by its proofs.
    backend = ("jax", "torch")[PARTS.index(part) % 2]
    answers = functools.partial(workers(backend).call, TASK, x=x)
    testing.check_save_and_load(vae, x, lambda path: answers(path=path))
