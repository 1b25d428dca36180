"""The shipped checks pass good VAEs and find the fault of bad ones."""

import keras
import numpy as np
import pytest

import keras_vae
from keras_vae import likelihoods, posteriors, testing
from keras_vae.distributions import Normal, register_kl
from keras_vae.objectives import ELBO, schedules
from keras_vae.testing import failures

CHEAP = ("export_parity",)


@pytest.mark.parametrize("event_shape", [(4, 4, 1), (6,)])
def test_good_vaes_pass(make_vae, images, vectors, event_shape):
    x = images if len(event_shape) > 1 else vectors
    schedule = schedules.Linear(num_steps=5, start=0.5)

    def make():
        return make_vae(event_shape, objective=ELBO(kl_weight=schedule))

    vae = testing.run_vae_test(make, x, skip=CHEAP)
    assert vae.compiled
    assert int(vae.training_step) > 0


def test_networks_of_the_package_pass(images):
    def make():
        return keras_vae.VAE(
            keras_vae.networks.conv_encoder((4, 4, 1), filters=(2,)),
            keras_vae.networks.conv_decoder(2, (4, 4, 1), filters=(2,)),
        )

    # ReLU units may be dead for all of so few images.
    testing.run_vae_test(make, images, skip=[*CHEAP, "fit_improves"])


class Broken(keras_vae.VAE):
    """A VAE with one fault, for the check that must find it."""


class WrongShape(Broken):
    def reconstruct(self, x):
        return super().reconstruct(x)[..., 0]


class WrongSum(Broken):
    def compute_elbo(self, x, num_samples=1, seed=None):
        terms = super().compute_elbo(x, num_samples, seed)
        return terms._replace(elbo=terms.log_likelihood + terms.kl)


class MeanOverBatch(Broken):
    def compute_elbo(self, x, num_samples=1, seed=None):
        terms = super().compute_elbo(x, num_samples, seed)
        return type(terms)(*(keras.ops.mean(one) for one in terms))


class OtherNormal(Normal):
    """A normal whose closed form forgets a half."""


@register_kl(OtherNormal, Normal)
def _wrong_kl(q, p):
    variance = keras.ops.square(q.scale)
    terms = variance + keras.ops.square(q.loc) - 1 - keras.ops.log(variance)
    return keras.ops.sum(terms, axis=-1)


class WrongKL(Broken):
    def encode(self, x):
        q = super().encode(x)
        return OtherNormal(q.loc, q.scale)


class LostArgument(Broken):
    def get_config(self):
        config = super().get_config()
        del config["seed"]
        return config


class StandingStill(Broken):
    def fit(self, *args, **kwargs):
        weights = self.encoder.get_weights()
        history = super().fit(*args, **kwargs)
        self.encoder.set_weights(weights)
        return history


class Falling(Broken):
    """It is trained well, and spoilt afterwards."""

    def fit(self, *args, **kwargs):
        history = super().fit(*args, **kwargs)
        for v in self.trainable_weights:
            v.assign(v + 3.0)
        return history


class Unsaved(Broken):
    def save_own_variables(self, store):
        for index in range(4):
            store[str(index)] = np.int32(0)


class Unseeded(Broken):
    def generate(self, num_samples, seed=None, **kwargs):
        return super().generate(num_samples, seed=None, **kwargs)


class SeedAndSize(Broken):
    def generate(self, num_samples, seed=None, **kwargs):
        return super().generate(num_samples, seed=num_samples, **kwargs)


class OneSeed(Broken):
    def generate(self, num_samples, seed=None, **kwargs):
        return super().generate(num_samples, seed=0, **kwargs)


for _cls in Broken.__subclasses__():
    keras.saving.register_keras_serializable("keras_vae_tests")(_cls)


@pytest.mark.parametrize(
    ("cls", "check", "message"),
    [
        (WrongShape, "build_and_shapes", r"`reconstruct\(x\)`'s shape must be"),
        (WrongSum, "elbo_identity", "`elbo` must agree within"),
        (MeanOverBatch, "elbo_identity", "`elbo`'s shape must be"),
        (WrongKL, "elbo_identity", "within 5 standard errors"),
        (LostArgument, "config_round_trip", "without 'seed'"),
        (
            StandingStill,
            "fit_improves",
            "every trainable weight.* 2 of 8 stood",
        ),
        (Falling, "fit_improves", "5 epochs must raise the mean ELBO"),
        (Unsaved, "save_and_load", "training step must be"),
        (Unseeded, "seeded_generation", "latents of a seed must not change"),
        (SeedAndSize, "seeded_generation", "The first 4 latents"),
        (OneSeed, "seeded_generation", "Another seed must give other"),
    ],
)
def test_faults_are_found(make_vae, images, cls, check, message):
    good = make_vae()
    vae = cls.from_config(make_vae().get_config() | {"seed": 0})
    vae.set_weights(good.get_weights())
    checks = {
        name: getattr(testing, f"check_{name}") for name in testing.run.CHECKS
    }
    arguments = () if check == "seeded_generation" else (images,)
    if check == "save_and_load":
        good.compile("adam")
        vae.compile("adam")
        vae.fit(images, verbose=0)
    with pytest.raises(AssertionError, match=message):
        checks[check](vae, *arguments)
    checks[check](good, *arguments)


def test_arguments_that_are_lost_or_changed():
    class Lossy(likelihoods.Normal):
        def get_config(self):
            config = super().get_config()
            del config["scale"]
            return config

    class Constant(posteriors.DiagonalNormal):
        def get_config(self):
            return {**super().get_config(), "latent_dim": 1}

    from keras_vae.testing.config import check_arguments

    check_arguments(likelihoods.Normal(0.5))
    with pytest.raises(AssertionError, match="without 'scale'"):
        check_arguments(Lossy(0.5))
    with pytest.raises(AssertionError, match=r"\['latent_dim'\]` must be 3. R"):
        check_arguments(Constant(3))


def test_run_vae_test_checks_its_arguments(images):
    with pytest.raises(ValueError, match="`skip` must be one of .*'nope'"):
        testing.run_vae_test(lambda: None, images, skip=["nope"])
    with pytest.raises(TypeError, match="`make_vae` must return a keras_vae"):
        testing.run_vae_test(lambda: None, images)


def test_close_shows_the_first_difference():
    failures.check_close("It", [1.0, 2.0], [1.0, 2.0 + 1e-7])
    message = r"It must agree within .* Received: 2 instead of 3 at \(1,\)"
    with pytest.raises(AssertionError, match=message):
        failures.check_close("It", np.array([1.0, 2]), np.array([1.0, 3]))
    with pytest.raises(AssertionError, match="1 of 2 values differ"):
        failures.check_close("It", [1.0, np.nan], [1.0, 1.0])
    with pytest.raises(AssertionError, match="It's shape must be"):
        failures.check_close("It", [1.0], [1.0, 1.0])
    with pytest.raises(AssertionError, match="It must be finite. Received: 1"):
        failures.check_finite("It", [np.inf, 1.0])


@pytest.mark.slow
@pytest.mark.once
def test_exports_agree(make_vae, images):
    pytest.importorskip(
        "onnxruntime", reason="It runs the exported file, in onnxruntime."
    )
    testing.check_export_parity(make_vae())
