"""Weights of examples, and losses that layers bring."""

import keras
import numpy as np
import pytest

from keras_vae.distributions import kl_divergence
from keras_vae.objectives import ELBO

WEIGHT = np.linspace(0, 3, 48, dtype="float32")
KL_WEIGHT = 0.5


@pytest.fixture
def vae(make_vae, freeze_noise):
    vae = freeze_noise(make_vae(objective=ELBO(kl_weight=KL_WEIGHT)))
    vae.compile(keras.optimizers.SGD(0.0))
    return vae


def by_hand(vae, x):
    """Each example's loss and ELBO with the frozen noise."""
    q = vae.encode(x)
    log_likelihood = vae.decode(q.mean() + 0.5 * q.scale).log_prob(x)
    kl = kl_divergence(q, vae.prior.distribution())
    log_likelihood, kl = (
        keras.ops.convert_to_numpy(one) for one in (log_likelihood, kl)
    )
    return KL_WEIGHT * kl - log_likelihood, log_likelihood - kl


def test_the_loss_is_weighted_and_the_elbo_is_not(vae, images):
    losses, elbo = by_hand(vae, images)
    expected = {
        "loss": pytest.approx((WEIGHT * losses).sum() / 48, rel=1e-5),
        "elbo": pytest.approx(elbo.mean(), rel=1e-5),
    }
    options = {"sample_weight": WEIGHT, "verbose": 0, "batch_size": 20}
    history = vae.fit(images, **options).history
    logs = vae.evaluate(images, return_dict=True, **options)
    batch = vae.test_on_batch(images, None, WEIGHT, return_dict=True)
    for name, value in expected.items():
        assert history[name] == [value]
        assert logs[name] == value
        assert float(batch[name]) == value


def test_weights_may_have_a_last_axis_of_one(vae, images):
    losses, _ = by_hand(vae, images)
    logs = vae.test_on_batch(images, None, WEIGHT[:, None], return_dict=True)
    expected = (WEIGHT * losses).sum() / 48
    assert float(logs["loss"]) == pytest.approx(expected, rel=1e-5)


def test_weights_of_another_shape_are_an_error(vae, images):
    message = r"`sample_weight` must have shape \(batch,\).*Received: .*shape="
    with pytest.raises(ValueError, match=message):
        vae.test_on_batch(images, None, np.ones((48, 4), "float32"))


def test_class_weights(vae, images):
    y = np.arange(48) % 3
    class_weight = {0: 0.5, 1: 2.0, 2: 0.0}
    losses, elbo = by_hand(vae, images)
    weights = np.array([class_weight[one] for one in y])
    history = vae.fit(
        images, y, class_weight=class_weight, verbose=0, batch_size=20
    ).history
    assert history["loss"] == [
        pytest.approx((weights * losses).sum() / 48, rel=1e-5)
    ]
    assert history["elbo"] == [pytest.approx(elbo.mean(), rel=1e-5)]


def test_class_weights_without_classes_are_an_error(vae, images):
    message = "`y` must hold each example's class .*Received: y=None"
    with pytest.raises(ValueError, match=message):
        vae.fit(images, class_weight={0: 1.0}, verbose=0)


def test_a_weight_of_zero_leaves_an_example_out(make_vae, freeze_noise, images):
    """Half the examples with weight 2, half with 0: a batch of the former."""
    results = []
    weight = np.float32([2.0] * 24 + [0.0] * 24)
    for x, w in ((images, weight), (images[:24], None)):
        vae = freeze_noise(make_vae())
        vae.compile(keras.optimizers.SGD(0.1))
        vae.train_on_batch(x, sample_weight=w)
        results.append(vae.get_weights())
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, 1e-5, 1e-6)


def test_regularisers_are_in_the_loss_alone(make_vae, freeze_noise, images):
    regulariser = keras.regularizers.L2(0.1)
    layers = [
        keras.layers.Dense(
            5,
            kernel_regularizer=regulariser,
            activity_regularizer=regulariser,
            name="penalised",
        )
    ]
    vae = freeze_noise(make_vae(encoder_layers=layers))
    vae.compile(keras.optimizers.SGD(0.0))
    kernel = vae.encoder.get_layer("penalised").get_weights()[0]
    activity = keras.ops.convert_to_numpy(vae.encoder(images))
    penalty = 0.1 * (kernel**2).sum() + 0.1 * (activity**2).sum() / 48
    for verb in (vae.test_on_batch, vae.train_on_batch):
        vae.reset_metrics()
        logs = verb(images, return_dict=True)
        gap = float(logs["loss"]) + float(logs["elbo"])
        assert gap == pytest.approx(penalty, rel=1e-4)


def test_a_layers_own_loss_is_counted_once(make_vae, freeze_noise, images):
    layers = [keras.layers.ActivityRegularization(l2=0.01)]
    vae = freeze_noise(make_vae(decoder_layers=layers))
    vae.compile(keras.optimizers.SGD(0.0))
    gaps = []
    for _ in range(3):
        vae.reset_metrics()
        logs = vae.train_on_batch(images, return_dict=True)
        gaps.append(float(logs["loss"]) + float(logs["elbo"]))
    q = vae.encode(images)
    features = vae.decoder(q.mean() + 0.5 * q.scale)
    penalty = 0.01 * float(keras.ops.sum(features**2)) / 48
    assert gaps == pytest.approx([penalty] * 3, rel=1e-3)
