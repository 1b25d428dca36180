"""Everything survives the `.keras` file."""

import keras
import numpy as np
import pytest

import keras_vae
from keras_vae import likelihoods
from keras_vae.objectives import ELBO, schedules
from keras_vae.testing.saving import saved_answers


@keras.saving.register_keras_serializable(package="keras_vae_tests")
class OwnEncoder(keras.Model):
    """A user's network that is no functional model."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.flatten = keras.layers.Flatten()
        self.dense = keras.layers.Dense(units, activation="tanh")

    def build(self, input_shape):
        self.dense.build((None, int(np.prod(input_shape[1:]))))
        self.built = True

    def call(self, x):
        return self.dense(self.flatten(x))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def save_and_load(vae, folder, name="model.keras"):
    vae.save(folder / name)
    return keras.saving.load_model(folder / name)


def assert_same_answers(ours, theirs, x):
    ours, theirs = saved_answers(ours, x), saved_answers(theirs, x)
    for name, value in ours.items():
        np.testing.assert_allclose(theirs[name], value, 1e-6, 1e-6)


def test_training_goes_on_as_if_nothing_had_happened(
    make_vae, images, tmp_path
):
    """Optimizer, step, noise and schedule all stand where they stood."""
    schedule = schedules.Linear(num_steps=10)
    vae = make_vae(objective=ELBO(kl_weight=schedule, num_samples=2))
    vae.compile(keras.optimizers.Adam(0.01, clipnorm=1.0))
    options = {"batch_size": 16, "shuffle": False, "verbose": 0}
    vae.fit(images, epochs=2, **options)
    loaded = save_and_load(vae, tmp_path)
    assert_same_answers(vae, loaded, images)
    for one in (vae, loaded):
        one.fit(images, epochs=1, **options)
    for a, b in zip(vae.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, 1e-6, 1e-7)
    assert int(loaded.training_step) == int(loaded.optimizer.iterations) == 9


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"jit_compile": False, "steps_per_execution": 3},
        {"run_eagerly": True, "check_every": 5, "nonfinite_patience": 7},
        {"metrics": ["mse"], "auto_scale_loss": False},
    ],
    ids=["defaults", "compilation", "guard", "metrics"],
)
def test_what_compile_was_given_comes_back(make_vae, images, tmp_path, options):
    vae = make_vae()
    vae.compile(keras.optimizers.SGD(0.1, momentum=0.9), **options)
    loaded = save_and_load(vae, tmp_path)
    assert loaded.compiled
    assert loaded.get_compile_config() == vae.get_compile_config()
    for name in ("steps_per_execution", "run_eagerly", "jit_compile"):
        assert getattr(loaded, name) == getattr(vae, name)
    assert loaded.check_every == options.get("check_every")
    assert loaded.nonfinite_patience == options.get("nonfinite_patience", 20)
    loaded.fit(images, batch_size=8, verbose=0)


def test_a_vae_that_was_never_compiled(make_vae, images, tmp_path):
    vae = make_vae(event_shape=(6,), likelihood=likelihoods.Normal("shared"))
    loaded = save_and_load(vae, tmp_path)
    assert not loaded.compiled
    x = np.ones((3, 6), "float32")
    assert_same_answers(vae, loaded, x)


def test_networks_of_a_users_own(images, tmp_path):
    encoder = OwnEncoder(5)
    encoder.build((None, 4, 4, 1))
    decoder = OwnEncoder(7)
    decoder.build((None, 3))
    vae = keras_vae.VAE(encoder, decoder, seed=0, name="mine")
    vae.compile("adam")
    vae.fit(images, verbose=0)
    loaded = save_and_load(vae, tmp_path)
    assert loaded.name == "mine"
    assert isinstance(loaded.encoder, OwnEncoder)
    assert_same_answers(vae, loaded, images)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_precision_comes_back(make_vae, images, tmp_path, policy):
    keras.config.set_dtype_policy(policy)
    vae = make_vae()
    vae.compile("adam")
    vae.fit(images, verbose=0)
    keras.config.set_dtype_policy("float32")
    loaded = save_and_load(vae, tmp_path)
    assert loaded.dtype_policy.name == policy
    assert type(loaded.optimizer) is type(vae.optimizer)
    assert_same_answers(vae, loaded, images)
    loaded.fit(images, verbose=0)


def test_weights_alone(make_vae, images, tmp_path):
    vae, other = make_vae(), make_vae(seed=1)
    vae.save_weights(tmp_path / "vae.weights.h5")
    other.load_weights(tmp_path / "vae.weights.h5")
    assert_same_answers(vae, other, images)


def test_encoder_and_decoder_alone(make_vae, images, tmp_path):
    vae = make_vae()
    loaded = save_and_load(vae.encoder, tmp_path, "encoder.keras")
    np.testing.assert_allclose(
        loaded.predict(images, verbose=0),
        vae.encoder.predict(images, verbose=0),
        atol=1e-6,
    )


def test_frozen_parts_stay_frozen(make_vae, tmp_path):
    vae = make_vae()
    vae.encoder.trainable = False
    vae.compile("adam")
    loaded = save_and_load(vae, tmp_path)
    assert len(loaded.trainable_weights) == len(vae.trainable_weights) == 6
    assert not loaded.encoder.trainable


def test_a_vae_is_cloned(make_vae, images):
    vae = make_vae()
    clone = keras.models.clone_model(vae)
    assert clone is not vae
    clone.set_weights(vae.get_weights())
    assert_same_answers(vae, clone, images)
