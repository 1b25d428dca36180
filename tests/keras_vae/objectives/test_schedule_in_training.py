"""A schedule moves inside the compiled step and is saved with the model."""

import keras
import numpy as np
import pytest

from keras_vae.objectives import ELBO, schedules


def weights_seen(vae, x, steps):
    """The KL weight of each step: what the logged means say it was."""
    seen = []
    for _ in range(steps):
        vae.reset_metrics()
        logs = vae.train_on_batch(x, return_dict=True)
        loss, log_likelihood, kl = (
            float(logs[name]) for name in ("loss", "log_likelihood", "kl")
        )
        seen.append((loss + log_likelihood) / kl)
    return seen


@pytest.fixture
def vae(make_vae):
    schedule = schedules.Linear(num_steps=4, start=0.5, end=2.5)
    vae = make_vae(objective=ELBO(kl_weight=schedule))
    vae.compile(keras.optimizers.SGD(0.0))
    return vae


def test_it_moves_inside_the_compiled_step(vae, images):
    seen = weights_seen(vae, images, 6)
    assert seen == pytest.approx([0.5, 1.0, 1.5, 2.0, 2.5, 2.5], rel=1e-3)


def test_a_loaded_model_goes_on_where_it_stood(vae, images, tmp_path):
    weights_seen(vae, images, 2)
    vae.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert weights_seen(loaded, images, 3) == pytest.approx(
        [1.5, 2.0, 2.5], rel=1e-3
    )


def test_evaluation_does_not_advance_it(vae, images):
    vae.test_on_batch(images)
    vae.evaluate(images, verbose=0)
    assert int(np.asarray(keras.ops.convert_to_numpy(vae.training_step))) == 0
    assert weights_seen(vae, images, 1) == pytest.approx([0.5], rel=1e-3)


@pytest.mark.parametrize("steps_per_execution", [1, 3])
def test_it_moves_within_one_execution(vae, images, steps_per_execution):
    vae.compile(
        keras.optimizers.SGD(0.0), steps_per_execution=steps_per_execution
    )
    history = vae.fit(images, batch_size=16, epochs=1, verbose=0).history
    ((loss,), (log_likelihood,), (kl,)) = (
        history[name] for name in ("loss", "log_likelihood", "kl")
    )
    # The mean of 0.5, 1 and 1.5, as the three batches' KL are nearly equal.
    assert (loss + log_likelihood) / kl == pytest.approx(1.0, rel=0.05)
