"""`fit` and Keras's other verbs work as in any Keras model."""

import keras
import numpy as np
import pytest

KEYS = ["elbo", "kl", "log_likelihood", "loss"]


class Batches(keras.utils.PyDataset):
    def __init__(self, x):
        super().__init__()
        self.x = x

    def __len__(self):
        return len(self.x) // 16

    def __getitem__(self, index):
        return self.x[16 * index : 16 * (index + 1)]


@pytest.fixture
def vae(make_vae):
    vae = make_vae()
    vae.compile(keras.optimizers.Adam(0.01))
    return vae


def fit(vae, *args, **options):
    return vae.fit(*args, **{"verbose": 0, "batch_size": 16, **options}).history


def test_history_has_the_right_keys_and_signs(vae, images):
    history = fit(vae, images, epochs=3, validation_data=images[:16])
    assert sorted(history) == sorted([*KEYS, *(f"val_{k}" for k in KEYS)])
    for prefix in ("", "val_"):
        loss, elbo, log_likelihood, kl = (
            np.array(history[prefix + name])
            for name in ("loss", "elbo", "log_likelihood", "kl")
        )
        np.testing.assert_allclose(loss, -elbo, 1e-5)
        np.testing.assert_allclose(elbo, log_likelihood - kl, 1e-5)
        assert (log_likelihood < 0).all() and (kl > 0).all()
    assert history["elbo"][-1] > history["elbo"][0]


def test_evaluate(vae, images):
    logs = vae.evaluate(images, verbose=0, return_dict=True)
    assert sorted(logs) == KEYS
    values = vae.evaluate(images, verbose=0)
    assert len(values) == len(vae.metrics_names) == 4
    # Positional, as Keras has them: x, y, batch_size, verbose.
    assert len(vae.evaluate(images, None, 16, 0)) == 4


def test_evaluate_averages_over_examples(vae, freeze_noise, images):
    """A last batch that is smaller weighs less: 48 = 20 + 20 + 8."""
    freeze_noise(vae)
    whole = vae.evaluate(images, batch_size=48, verbose=0, return_dict=True)
    parts = vae.evaluate(images, batch_size=20, verbose=0, return_dict=True)
    assert parts == pytest.approx(whole, rel=1e-5)


def test_predict_is_the_mean_reconstruction(vae, images):
    predicted = vae.predict(images, batch_size=20, verbose=0)
    expected = keras.ops.convert_to_numpy(vae.reconstruct(images))
    assert predicted.shape == images.shape
    np.testing.assert_allclose(predicted, expected, atol=1e-6)
    called = keras.ops.convert_to_numpy(vae(images))
    np.testing.assert_allclose(called, expected, atol=1e-6)


def test_single_batches(vae, images):
    before = vae.get_weights()
    logs = vae.train_on_batch(images, return_dict=True)
    assert sorted(logs) == KEYS
    assert len(vae.train_on_batch(images)) == 4
    pairs = zip(before, vae.get_weights(), strict=True)
    assert any((a != b).any() for a, b in pairs)
    after = vae.get_weights()
    assert sorted(vae.test_on_batch(images, return_dict=True)) == KEYS
    assert vae.predict_on_batch(images).shape == images.shape
    for a, b in zip(after, vae.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "validation",
    [
        lambda x: x,
        lambda x: (x, np.zeros(len(x))),
        lambda x: (x, None, np.ones(len(x))),
        lambda x: [x, x],
        lambda x: Batches(x),
    ],
    ids=["array", "pair", "weighted", "list", "stream"],
)
def test_validation_data(vae, images, validation):
    history = fit(vae, images, epochs=2, validation_data=validation(images))
    assert len(history["val_elbo"]) == 2


def test_validation_split(vae, freeze_noise, images):
    freeze_noise(vae)
    history = fit(vae, images, epochs=1, validation_split=0.25)
    logs = vae.evaluate(images[36:], verbose=0, return_dict=True)
    assert history["val_loss"] == [pytest.approx(logs["loss"], rel=1e-5)]


def test_targets_are_ignored(make_vae, images):
    results = []
    for y in (None, np.arange(48), np.zeros((48, 3))):
        vae = make_vae()
        vae.compile("sgd")
        fit(vae, images, y, epochs=1, shuffle=False)
        results.append(vae.get_weights())
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_callbacks(vae, images, tmp_path):
    path = tmp_path / "best.keras"
    seen = []
    callbacks = [
        keras.callbacks.EarlyStopping("val_elbo", mode="max", patience=1),
        keras.callbacks.ModelCheckpoint(
            path, monitor="val_elbo", mode="max", save_best_only=True
        ),
        keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: seen.append(sorted(logs)),
        ),
        keras.callbacks.LearningRateScheduler(
            lambda epoch: 0.01 if epoch < 1 else 0.0
        ),
    ]
    history = fit(
        vae, images, epochs=50, validation_data=images, callbacks=callbacks
    )
    assert 2 <= len(history["loss"]) < 50
    assert set(seen[0]) <= set(history)
    assert "val_elbo" in seen[0]
    loaded = keras.saving.load_model(path)
    assert loaded.predict(images, verbose=0).shape == images.shape


def test_one_callback_without_a_list(vae, images):
    epochs = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: epochs.append(epoch)
    )
    fit(vae, images, epochs=2, callbacks=callback)
    assert epochs == [0, 1]


def test_a_callback_list_of_the_users_own(vae, images):
    epochs = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: epochs.append(epoch)
    )
    callbacks = keras.callbacks.CallbackList(
        [callback], add_history=True, model=vae
    )
    history = fit(vae, images, epochs=2, callbacks=callbacks)
    assert epochs == [0, 1]
    assert len(history["elbo"]) == 2


def test_metrics_compare_x_with_its_reconstruction(
    make_vae, freeze_noise, images
):
    vae = freeze_noise(make_vae(), value=0.0)
    vae.compile("sgd", metrics=["mse"], weighted_metrics=["mae"])
    logs = vae.evaluate(images, batch_size=16, verbose=0, return_dict=True)
    mean = keras.ops.convert_to_numpy(vae.reconstruct(images))
    assert logs["mse"] == pytest.approx(((mean - images) ** 2).mean(), 1e-4)
    assert logs["mae"] == pytest.approx(np.abs(mean - images).mean(), 1e-4)
    history = fit(vae, images, epochs=1)
    assert np.isfinite(history["mse"]).all()


def test_compile_defaults_and_errors(make_vae, images):
    vae = make_vae()
    with pytest.raises(ValueError, match="compile()"):
        vae.fit(images)
    vae.compile()
    assert isinstance(vae.optimizer, keras.optimizers.Adam)
    message = "`loss` must be left out.*Received: loss='mse'.*objectives.ELBO"
    with pytest.raises(ValueError, match=message):
        vae.compile("adam", loss="mse")
    vae.compile("adam", loss=None)
    for name in ("check_every", "nonfinite_patience"):
        message = f"`{name}` must be a positive integer. Received: {name}=0"
        with pytest.raises(ValueError, match=message):
            vae.compile("adam", **{name: 0})


def test_recompiling_starts_a_new_optimizer(vae, images):
    fit(vae, images, epochs=1)
    vae.compile(keras.optimizers.SGD(0.1))
    fit(vae, images, epochs=1)
    assert int(vae.optimizer.iterations) == 3
    assert int(vae.training_step) == 6


def test_layers_and_weights_may_be_frozen(make_vae, images):
    vae = make_vae()
    vae.encoder.trainable = False
    vae.compile("adam")
    before = vae.encoder.get_weights()
    fit(vae, images, epochs=1)
    for a, b in zip(before, vae.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(vae.optimizer.iterations) == 3
