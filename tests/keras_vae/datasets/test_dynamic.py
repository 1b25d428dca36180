import pickle
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

from keras_vae.datasets import DynamicBinarization, binarize

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (22, 4, 3, 1), np.uint8)
LABELS = RNG.normal(size=(22, 1)).astype(np.float32)
WEIGHTS = RNG.normal(size=(12, 1)).astype(np.float32)


def expected_draw(epoch, seed=0, images=IMAGES):
    return binarize.draw(images, np.arange(len(images)), seed, epoch)


def expected_loss(epoch, seed=0):
    """Mean over an epoch's examples of `label * (weights . x)`."""
    x = expected_draw(epoch, seed).reshape(len(IMAGES), -1)
    return float((LABELS * (x @ WEIGHTS)).mean())


def model_that_reads_its_input(is_built=True):
    """A model whose loss tells which draw met which label.

    It learns nothing: its loss over an epoch is `expected_loss`, whatever the
    order and the batches, and no other draw, pairing or omission gives it.
    """
    layers = [keras.layers.Flatten()]
    if is_built:
        layers.insert(0, keras.Input(IMAGES.shape[1:]))
    layers.append(
        keras.layers.Dense(
            1,
            use_bias=False,
            kernel_initializer=lambda shape, dtype: keras.ops.array(
                WEIGHTS, dtype=dtype
            ),
        )
    )
    model = keras.Sequential(layers)
    model.compile(
        optimizer=keras.optimizers.SGD(0.0),
        loss=lambda y, y_pred: keras.ops.mean(y * y_pred, axis=-1),
    )
    return model


def test_each_loop_is_an_epoch_that_holds_every_example_once():
    dataset = DynamicBinarization(IMAGES, batch_size=8, labels=np.arange(22))
    assert (len(dataset), dataset.num_examples) == (3, 22)
    orders = []
    for epoch in range(3):
        assert dataset.epoch == epoch
        x, y = map(np.concatenate, zip(*dataset, strict=True))
        np.testing.assert_array_equal(np.sort(y), np.arange(22))
        np.testing.assert_array_equal(x, expected_draw(epoch)[y])
        orders.append(tuple(y))
    assert len(set(orders)) == 3


@pytest.mark.parametrize("batch_size", [1, 5, 22, 100])
@pytest.mark.parametrize("shuffle", [True, False])
def test_draws_do_not_depend_on_batches_or_order(batch_size, shuffle):
    dataset = DynamicBinarization(
        IMAGES, batch_size, shuffle, seed=4, labels=np.arange(22)
    )
    list(dataset)
    x, y = map(np.concatenate, zip(*dataset, strict=True))
    np.testing.assert_array_equal(x, expected_draw(1, seed=4)[y])
    assert shuffle != np.array_equal(y, np.arange(22))


def test_without_labels_batches_are_arrays():
    dataset = DynamicBinarization(IMAGES, batch_size=20, shuffle=False)
    first, last = dataset
    assert first.shape == (20, 4, 3, 1) and first.dtype == np.float32
    np.testing.assert_array_equal(last, expected_draw(0)[20:])


def test_looking_at_a_batch_changes_nothing():
    dataset = DynamicBinarization(IMAGES, batch_size=8)
    first = dataset[0]
    np.testing.assert_array_equal(next(iter(dataset)), first)
    np.testing.assert_array_equal(dataset[0], first)
    assert dataset.epoch == 0


def test_floats_are_drawn_too():
    images = (IMAGES / 255).astype(np.float32)
    dataset = DynamicBinarization(images, batch_size=100, shuffle=False)
    expected = expected_draw(0, images=images)
    np.testing.assert_array_equal(dataset[0], expected)


@pytest.mark.parametrize("is_built", [True, False])
@pytest.mark.parametrize("batch_size", [8, 22])
def test_fit_sees_one_new_draw_an_epoch(batch_size, is_built):
    model = model_that_reads_its_input(is_built)
    dataset = DynamicBinarization(IMAGES, batch_size, seed=1, labels=LABELS)
    held_out = DynamicBinarization(IMAGES, batch_size, seed=2, labels=LABELS)
    history = model.fit(
        dataset, epochs=3, validation_data=held_out, verbose=0
    ).history
    expected = [expected_loss(epoch, seed=1) for epoch in range(3)]
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-4, atol=1e-6)
    expected = [expected_loss(epoch, seed=2) for epoch in range(3)]
    np.testing.assert_allclose(
        history["val_loss"], expected, rtol=1e-4, atol=1e-6
    )
    assert dataset.epoch == held_out.epoch == 3
    more = model.fit(dataset, epochs=1, verbose=0).history
    np.testing.assert_allclose(
        more["loss"], [expected_loss(3, 1)], rtol=1e-4, atol=1e-6
    )


def test_threads_change_nothing():
    dataset = DynamicBinarization(IMAGES, batch_size=2, seed=6)
    expected = list(dataset)
    dataset.epoch = 0
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(dataset.__getitem__, [*range(11)] * 20))
    for index, x in enumerate(drawn):
        np.testing.assert_array_equal(x, expected[index % 11])


def test_a_copy_in_another_process_draws_the_same():
    dataset = DynamicBinarization(IMAGES, batch_size=8, labels=LABELS)
    list(dataset)
    copy = pickle.loads(pickle.dumps(dataset))
    for x, y in zip(copy[1], dataset[1], strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_training_resumes_at_its_epoch():
    model = model_that_reads_its_input()
    dataset = DynamicBinarization(IMAGES, batch_size=8, labels=LABELS)
    dataset.epoch = 5
    history = model.fit(dataset, initial_epoch=5, epochs=7, verbose=0).history
    expected = [expected_loss(epoch) for epoch in (5, 6)]
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-4, atol=1e-6)


def test_evaluate_draws_anew_each_time():
    model = model_that_reads_its_input()
    dataset = DynamicBinarization(IMAGES, batch_size=8, labels=LABELS)
    losses = [model.evaluate(dataset, verbose=0) for _ in range(2)]
    expected = [expected_loss(epoch) for epoch in range(2)]
    np.testing.assert_allclose(losses, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("index", [-1, 3])
def test_batches_beyond_the_last_are_refused(index):
    dataset = DynamicBinarization(IMAGES, batch_size=8)
    with pytest.raises(IndexError, match="`index` must be from 0 to 2"):
        dataset[index]


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"images": IMAGES + 0.5}, ValueError, r"floats in \[0, 1\]"),
        ({"images": IMAGES[:0]}, ValueError, "at least one example"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be a positive"),
        ({"batch_size": 1.5}, TypeError, "`batch_size` must be a positive"),
        ({"seed": "1"}, TypeError, "`seed` must be an integer"),
        ({"labels": LABELS[:5]}, ValueError, r"22 images. .*shape \(5, 1\)"),
        ({"labels": 3}, ValueError, "`labels` must hold one label"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, match):
    with pytest.raises(error, match=match):
        DynamicBinarization(**{"images": IMAGES, **arguments})
