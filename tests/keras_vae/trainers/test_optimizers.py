"""The Keras optimizer's own features, and mixed precision."""

import keras
import numpy as np
import pytest


def sgd(**options):
    return keras.optimizers.SGD(1.0, **options)


def moved(vae, x, optimizer):
    """What one step with an optimizer adds to each trainable weight."""
    vae.compile(optimizer)
    before = [np.array(w) for w in to_arrays(vae.trainable_weights)]
    vae.train_on_batch(x)
    after = to_arrays(vae.trainable_weights)
    return [b - a for a, b in zip(before, after, strict=True)]


def to_arrays(variables):
    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables]


@pytest.fixture
def frozen(make_vae, freeze_noise):
    """A VAE whose loss does not depend on which noise was drawn."""
    return lambda **options: freeze_noise(make_vae(**options))


def test_accumulated_gradients_equal_one_big_batch(frozen, images):
    big, small = frozen(), frozen()
    big.compile(keras.optimizers.SGD(0.1))
    small.compile(keras.optimizers.SGD(0.1, gradient_accumulation_steps=3))
    start = to_arrays(small.trainable_weights)
    big.fit(images, batch_size=48, shuffle=False, verbose=0)
    for part in (images[:16], images[16:32]):
        small.train_on_batch(part)
        now = to_arrays(small.trainable_weights)
        for a, b in zip(start, now, strict=True):
            np.testing.assert_array_equal(a, b)
    small.train_on_batch(images[32:])
    for a, b in zip(
        to_arrays(big.trainable_weights),
        to_arrays(small.trainable_weights),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, 1e-4, 1e-6)


def test_clipping_by_value(frozen, images):
    full = moved(frozen(), images, sgd())
    clipped = moved(frozen(), images, sgd(clipvalue=0.01))
    for a, b in zip(full, clipped, strict=True):
        np.testing.assert_allclose(np.clip(a, -0.01, 0.01), b, 1e-3, 1e-6)


def test_clipping_by_norm(frozen, images):
    full = moved(frozen(), images, sgd())
    clipped = moved(frozen(), images, sgd(clipnorm=0.1))
    for a, b in zip(full, clipped, strict=True):
        expected = a * min(1, 0.1 / np.linalg.norm(a))
        np.testing.assert_allclose(expected, b, 1e-3, 1e-6)


def test_clipping_by_global_norm(frozen, images):
    full = moved(frozen(), images, sgd())
    clipped = moved(frozen(), images, sgd(global_clipnorm=0.1))
    norm = np.sqrt(sum((one**2).sum() for one in full))
    assert norm > 0.1
    for a, b in zip(full, clipped, strict=True):
        np.testing.assert_allclose(a * 0.1 / norm, b, 1e-3, 1e-6)


def test_weight_decay(frozen, images):
    plain = moved(frozen(), images, keras.optimizers.SGD(0.1))
    decayed = moved(
        frozen(), images, keras.optimizers.SGD(0.1, weight_decay=0.5)
    )
    start = to_arrays(frozen().trainable_weights)
    for a, b, w in zip(plain, decayed, start, strict=True):
        np.testing.assert_allclose(a - 0.05 * w, b, 1e-2, 1e-4)


def test_averaged_weights_are_what_remains_of_training(frozen, images):
    """Two steps of momentum 0.5: the average of the two, as w1 starts it."""
    plain, averaged = frozen(), frozen()
    plain.compile(keras.optimizers.SGD(0.1))
    averaged.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5))
    path = []
    for _ in range(2):
        plain.train_on_batch(images)
        path.append(to_arrays(plain.trainable_weights))
    averaged.fit(images, batch_size=48, epochs=2, verbose=0)
    for first, second, received in zip(
        *path, to_arrays(averaged.trainable_weights), strict=True
    ):
        expected = (first + second) / 2
        np.testing.assert_allclose(received, expected, 1e-4, 1e-5)


def test_learning_rate_schedules_count_steps(frozen, images):
    vae = frozen()
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
        [2], [0.1, 0.0]
    )
    vae.compile(keras.optimizers.SGD(schedule))
    vae.fit(images, batch_size=16, epochs=1, shuffle=False, verbose=0)
    after = to_arrays(vae.trainable_weights)
    vae.fit(images, batch_size=16, epochs=1, verbose=0)
    for a, b in zip(after, to_arrays(vae.trainable_weights), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_trains(make_vae, images, policy):
    keras.config.set_dtype_policy(policy)
    vae = make_vae()
    vae.compile(keras.optimizers.Adam(0.01))
    scaled = isinstance(vae.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    history = vae.fit(images, batch_size=16, epochs=4, verbose=0).history
    assert history["elbo"][-1] > history["elbo"][0]
    assert int(vae.nonfinite_steps) == 0
    half = policy.removeprefix("mixed_")
    features = vae.encoder(images)
    assert keras.backend.standardize_dtype(features.dtype) == half
    for term in vae.compute_elbo(images):
        assert keras.backend.standardize_dtype(term.dtype) == "float32"
    assert vae.predict(images, verbose=0).dtype == "float32"
    assert {v.dtype for v in vae.trainable_variables} == {"float32"}


def test_mixed_precision_is_near_single_precision(make_vae, images):
    single = make_vae()
    keras.config.set_dtype_policy("mixed_float16")
    mixed = make_vae()
    mixed.set_weights(single.get_weights())
    ours, theirs = (
        to_arrays(vae.compute_elbo(images, seed=0)) for vae in (single, mixed)
    )
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, 0.02, 0.02)


def test_loss_scaling_reacts_to_overflow(make_vae, images):
    keras.config.set_dtype_policy("mixed_float16")
    vae = make_vae()
    optimizer = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.01), initial_scale=2.0**40
    )
    vae.compile(optimizer, auto_scale_loss=False)
    before = to_arrays(vae.trainable_weights)
    vae.train_on_batch(images)
    for a, b in zip(before, to_arrays(vae.trainable_weights), strict=True):
        np.testing.assert_array_equal(a, b)
    assert float(optimizer.dynamic_scale) == 2.0**39
    # An overflow is the scale's business, and no fault of the step.
    assert int(vae.nonfinite_steps) == 0
    for _ in range(40):
        vae.train_on_batch(images)
    moved_now = [
        (a != b).any()
        for a, b in zip(before, to_arrays(vae.trainable_weights), strict=True)
    ]
    assert all(moved_now)
    assert np.isfinite(float(optimizer.dynamic_scale))


def test_loss_scaling_leaves_the_step_as_it_is(frozen, images):
    """In float32 a power of two as scale changes nothing."""
    plain = moved(frozen(), images, sgd())
    scaled = moved(
        frozen(),
        images,
        keras.optimizers.LossScaleOptimizer(sgd(), initial_scale=2.0**10),
    )
    for a, b in zip(plain, scaled, strict=True):
        np.testing.assert_allclose(a, b, 1e-5, 1e-6)
