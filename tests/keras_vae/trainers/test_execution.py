"""However a step is compiled and batched, it does the same."""

import functools

import keras
import numpy as np
import pytest

BACKEND = keras.backend.backend()


@pytest.fixture
def run(make_vae, freeze_noise, images):
    """Trains with `compile`'s options; returns weights and history."""

    def fit(batch_size=16, epochs=2, frozen=False, **options):
        vae = make_vae()
        if frozen:
            freeze_noise(vae)
        vae.compile(keras.optimizers.SGD(0.05, momentum=0.9), **options)
        history = vae.fit(
            images[:40],
            batch_size=batch_size,
            epochs=epochs,
            shuffle=False,
            verbose=0,
            validation_data=images[40:],
        )
        assert int(vae.training_step) == epochs * -(-40 // batch_size)
        assert vae.predict(images, batch_size=9, verbose=0).shape == (
            images.shape
        )
        return vae.get_weights(), history.history

    return fit


def assert_same(ours, theirs, tolerance=1e-5):
    for a, b in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_allclose(a, b, tolerance, tolerance)
    assert sorted(ours[1]) == sorted(theirs[1])
    for name, values in ours[1].items():
        np.testing.assert_allclose(values, theirs[1][name], tolerance)


@pytest.mark.parametrize("steps_per_execution", [2, 3, 7])
def test_steps_per_execution_changes_nothing(run, steps_per_execution):
    """Batches of 6: 7 of them, which 2 and 3 do not divide."""
    assert_same(
        run(batch_size=6, steps_per_execution=steps_per_execution),
        run(batch_size=6),
    )


def test_eager_execution_changes_nothing(run):
    assert_same(run(run_eagerly=True), run())


@pytest.mark.skipif(
    BACKEND == "torch", reason="On PyTorch the next test compiles, slowly."
)
@pytest.mark.parametrize("jit_compile", [True, False])
def test_jit_compilation_changes_nothing(run, jit_compile):
    """But the noise: XLA draws other numbers than TensorFlow without it."""
    assert_same(
        run(jit_compile=jit_compile, frozen=True), run(frozen=True), 1e-4
    )


@pytest.mark.slow
@pytest.mark.skipif(
    BACKEND != "torch", reason="Only PyTorch has `torch.compile`."
)
def test_torch_compilation_changes_nothing(make_vae, images, monkeypatch):
    """The step is traced and differentiated ahead, but not turned into C++.

    That would take a compiler and a minute more.
    """
    import torch

    traced = functools.partial(torch.compile, backend="aot_eager")
    monkeypatch.setattr(torch, "compile", traced)
    weights = []
    for jit_compile in (True, False):
        vae = make_vae()
        vae.compile(keras.optimizers.SGD(0.05), jit_compile=jit_compile)
        for _ in range(2):
            vae.train_on_batch(images)
        assert int(vae.training_step) == 2
        weights.append(vae.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-5)


def test_a_test_step_records_no_gradients(make_vae, images):
    vae = make_vae()
    vae.compile("sgd")
    logs = vae.test_on_batch(images, return_dict=True)
    for value in logs.values():
        assert not getattr(value, "requires_grad", False)
