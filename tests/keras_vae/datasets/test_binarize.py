import numpy as np
import pytest

from keras_vae.datasets import binarize

pytestmark = pytest.mark.once

LEVELS = np.arange(256, dtype=np.uint8)
RAMP = np.tile(LEVELS, (40, 1))  # 40 examples, each with all grey levels.
INTENSITIES = (RAMP / 255).astype(np.float32)


def assert_mean_is(drawn, probability):
    """Checks the means over the first axis to 5 standard errors."""
    assert set(np.unique(drawn)) <= {0.0, 1.0}
    error = np.sqrt(probability * (1 - probability) / len(drawn))
    assert np.all(np.abs(drawn.mean(axis=0) - probability) <= 5 * error)


@pytest.mark.parametrize("images", [RAMP, INTENSITIES])
def test_the_mean_over_epochs_is_the_intensity(images):
    indices = np.arange(len(images))
    epochs = [binarize.draw(images, indices, 3, e) for e in range(100)]
    assert_mean_is(np.concatenate(epochs), LEVELS / 255)


@pytest.mark.parametrize("images", [RAMP, INTENSITIES])
def test_the_mean_over_seeds_of_static_draws_is_the_intensity(images):
    draws = [binarize.static(images, seed) for seed in range(100)]
    assert draws[0].dtype == np.float32
    assert_mean_is(np.concatenate(draws), LEVELS / 255)


def test_black_and_white_are_certain():
    drawn = np.concatenate([binarize.static(RAMP, s) for s in range(50)])
    np.testing.assert_array_equal(drawn[:, 0], 0.0)
    np.testing.assert_array_equal(drawn[:, 255], 1.0)


def test_pixels_are_independent():
    grey = np.full((2000, 2), 128, np.uint8)
    drawn = binarize.static(grey, seed=0)
    by_pixel = np.corrcoef(drawn.T)[0, 1]
    by_example = np.corrcoef(drawn[:-1].ravel(), drawn[1:].ravel())[0, 1]
    indices = np.arange(len(grey))
    next_epoch = binarize.draw(grey, indices, seed=0, epoch=1)
    next_seed = binarize.static(grey, seed=1)
    by_epoch = np.corrcoef(drawn.ravel(), next_epoch.ravel())[0, 1]
    by_seed = np.corrcoef(drawn.ravel(), next_seed.ravel())[0, 1]
    limit = 5 / np.sqrt(2000)
    assert np.abs([by_pixel, by_example, by_epoch, by_seed]).max() < limit


@pytest.mark.parametrize("images", [RAMP, INTENSITIES])
def test_a_draw_depends_on_the_example_alone(images):
    indices = np.arange(len(images))
    together = binarize.draw(images, indices, seed=5, epoch=2)
    chosen = np.array([17, 3, 39])
    apart = binarize.draw(images[chosen], chosen, seed=5, epoch=2)
    np.testing.assert_array_equal(apart, together[chosen])


def test_a_static_draw_is_that_of_epoch_0_however_many_images_there_are():
    images = np.full((1300, 3), 99, np.uint8)
    drawn = binarize.static(images, seed=2)
    indices = np.arange(1300)
    np.testing.assert_array_equal(drawn, binarize.draw(images, indices, 2, 0))
    np.testing.assert_array_equal(drawn[:700], binarize.static(images[:700], 2))


def test_draws_stay_what_they_were():
    images = np.full((2, 12), 128, np.uint8)
    drawn = binarize.draw(images, np.array([0, 7]), seed=1, epoch=3)
    np.testing.assert_array_equal(
        drawn,
        [
            [1, 1, 0, 0, 1, 0, 1, 0, 1, 1, 1, 1],
            [1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1],
        ],
    )
    order = binarize.order(8, seed=1, epoch=3)
    np.testing.assert_array_equal(order, [7, 5, 0, 3, 4, 2, 6, 1])


def test_draws_are_those_of_philox_at_the_example_s_counter():
    index, seed, epoch = 7, 1, 3
    philox = np.random.Philox(key=seed + 2**64 * epoch, counter=2**64 * index)
    uniforms = philox.random_raw(64).astype("<u8").view("<u2")
    expected = uniforms < 257 * LEVELS.astype(np.uint32)
    drawn = binarize.draw(RAMP[:1], np.array([index]), seed, epoch)
    np.testing.assert_array_equal(drawn[0], expected)


def test_the_highest_16_bit_integer_is_drawn_again():
    shape = (300, 4000)  # Holds about 18 of them among 1.2 million.
    indices = np.arange(shape[0])
    words = binarize._words(indices, shape[1] // 4, seed=0, epoch=0)
    assert (words.view("<u2") == 65535).any()
    values = binarize._uniform_16_bit(indices, shape[1], seed=0, epoch=0)
    assert values.max() == 65534
    kept = words.view("<u2") != 65535
    np.testing.assert_array_equal(values[kept], words.view("<u2")[kept])


def test_orders_are_permutations_that_differ_by_epoch_and_seed():
    orders = [binarize.order(50, s, e) for s, e in ((0, 0), (0, 1), (1, 0))]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(50))
    assert len({tuple(order) for order in orders}) == 3


def test_the_threshold_is_one_half():
    levels = np.array([[0, 127, 128, 255]], np.uint8)
    np.testing.assert_array_equal(binarize.threshold(levels), [[0, 0, 1, 1]])
    floats = np.array([[0.0, 0.5, 0.51, 1.0]], np.float32)
    np.testing.assert_array_equal(binarize.threshold(floats), [[0, 0, 1, 1]])


@pytest.mark.parametrize("seed", [-1, 2**63, np.int64(4)])
def test_any_integer_is_a_seed(seed):
    drawn = binarize.static(RAMP, seed)
    expected = binarize.static(RAMP, binarize.check_seed(seed))
    np.testing.assert_array_equal(drawn, expected)


@pytest.mark.parametrize("seed", [None, 1.0, "1"])
def test_other_seeds_are_refused(seed):
    with pytest.raises(TypeError, match="`seed` must be an integer"):
        binarize.check_seed(seed)


def test_unknown_modes_are_refused():
    with pytest.raises(ValueError, match="`binarize` must be one of .*dynamic"):
        binarize.check_mode("stochastic")


@pytest.mark.parametrize(
    ("images", "match"),
    [
        (np.zeros(4), r"Received: shape \(4,\)"),
        (np.zeros((0, 4)), r"Received: shape \(0, 4\)"),
        (np.full((1, 4), 1.5), r"floats in \[0, 1\].* from 1.5 to 1.5"),
        (np.full((1, 4), -0.1), r"floats in \[0, 1\]"),
        (np.full((1, 4), np.nan), r"floats in \[0, 1\]"),
        (np.full((1, 4), 300), "from 0 to 255"),
        (np.full((1, 4), "a"), "Pixels must be numbers"),
    ],
)
def test_what_has_no_intensity_is_not_binarised(images, match):
    with pytest.raises(ValueError, match=match):
        binarize.check_intensities(images)
