"""Batches of indices: those that Keras would give."""

import keras
import numpy as np
import pytest

from keras_vae.trainers import Trainer

IndexBatches = Trainer.index_batches(None)
if IndexBatches is None:
    pytest.skip("On JAX batches are Keras's own.", allow_module_level=True)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("weighted", ["examples", "classes"])
def test_batches_are_those_of_keras(shuffle, weighted):
    """In their order, with the targets and weights that belong to them."""
    x = np.arange(21, dtype="int32")
    y = x % 3
    weight = np.linspace(0, 1, 21) if weighted == "examples" else None
    class_weight = {0: 2.0, 1: 1.0, 2: 3.0} if weight is None else None
    keras.utils.set_random_seed(5)
    batches = IndexBatches(x, y, weight, 8, shuffle, class_weight)
    # As Keras does, which begins the next epoch at the end of each.
    ours = []
    for _ in range(2):
        ours.extend(iter(batches))
        iter(batches)
    keras.utils.set_random_seed(5)
    theirs = plain_batches(
        x,
        y,
        sample_weight=weight,
        class_weight=class_weight,
        batch_size=8,
        epochs=2,
        shuffle=shuffle,
        verbose=0,
    )
    assert len(ours) == 6
    for one, other in zip(ours, theirs, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(np.asarray(a), b)


def test_each_epoch_has_an_order_of_its_own_without_a_seed():
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.random.set_seed(None)
    batches = IndexBatches(np.arange(64), None, None, 16, True, None)
    orders = [
        np.concatenate([np.asarray(x) for (x,) in batches]) for _ in range(3)
    ]
    for order in orders:
        assert sorted(order) == list(range(64))
    assert len({tuple(order) for order in orders}) == 3


def test_how_many_batches():
    x = np.arange(21, dtype="int32")
    batches = IndexBatches(x, None, None, 8, True, None)
    assert batches.num_batches == 3
    assert batches.batch_size == 8
    assert batches.has_partial_batch
    assert batches.partial_batch_size == 5
    batches = IndexBatches(x, None, None, 7, True, None)
    assert not batches.has_partial_batch
    assert batches.partial_batch_size is None


def plain_batches(x, y, **options):
    """Returns what Keras's own `fit` gives to a step."""
    batches = []

    class Model(keras.Model):
        def train_step(self, data):
            batches.append([np.asarray(part) for part in data])
            return {"loss": 0.0}

    model = Model()
    model.built = True
    model.compile(run_eagerly=True)
    model.fit(x, y, **options)
    return batches


def fitted(vae, x, **options):
    vae.compile("adam", fast_path=options.pop("fast_path", True))
    keras.utils.set_random_seed(3)
    vae.fit(x, batch_size=8, epochs=3, verbose=0, **options)
    return vae.get_weights()


@pytest.mark.parametrize(
    "options",
    [{"shuffle": "batch"}, {"shuffle": True}, {"steps_per_epoch": 2}],
    ids=str,
)
def test_both_paths_have_one_order(options, make_vae, images):
    """A shuffle within batches is left to Keras."""
    fast = fitted(make_vae(), images, **options)
    plain = fitted(make_vae(), images, **options, fast_path=False)
    for a, b in zip(fast, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_a_keras_without_them(make_vae, images, monkeypatch):
    def gone(self):
        raise ImportError("No module named 'keras.src.trainers'")

    expected = fitted(make_vae(), images)
    monkeypatch.setattr(Trainer, "index_batches", gone)
    for a, b in zip(fitted(make_vae(), images), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
