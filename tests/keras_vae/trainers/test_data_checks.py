"""Bad data are one clear error before any training starts."""

import keras
import numpy as np
import pytest

from keras_vae.trainers import data as data_checks


def with_value(x, value, place=(7, 1, 2, 0)):
    x = np.array(x)
    x[place] = value
    return x


BAD = {
    "nothing": (
        lambda x: x[:0],
        r"`x` must hold at least one example. Received: x.shape=\(0, 4",
    ),
    "rank": (
        lambda x: x[..., 0],
        r"`x` must have shape \(batch, 4, 4, 1\). Received: x.shape="
        r"\(48, 4, 4\). Add the channel axis",
    ),
    "channels": (
        lambda x: np.repeat(x, 3, axis=-1),
        r"Received: x.shape=\(48, 4, 4, 3\)",
    ),
    "size": (lambda x: x[:, :3], r"Received: x.shape=\(48, 3, 4, 1\)"),
    "nan": (
        lambda x: with_value(x, np.nan),
        r"Received: x\[7, 1, 2, 0\]=nan.*Remove or replace missing values",
    ),
    "grey": (
        lambda x: with_value(x, 0.25),
        r'Received: x\[7, 1, 2, 0\]=0.25\b.*binarize="dynamic"',
    ),
    "0 to 255": (lambda x: 255 * x, r"Received: x\[.*\]=255"),
}
every_fault = pytest.mark.parametrize("fault", BAD)


VERBS = {
    "fit": lambda vae, good, bad: vae.fit(bad, verbose=0),
    "validation": lambda vae, good, bad: vae.fit(
        good, validation_data=bad, verbose=0
    ),
    "validation pair": lambda vae, good, bad: vae.fit(
        good, validation_data=(bad, None), verbose=0
    ),
    "generator": lambda vae, good, bad: vae.fit(
        (one for one in [bad, good]), verbose=0
    ),
    "evaluate": lambda vae, good, bad: vae.evaluate(bad, verbose=0),
    "train_on_batch": lambda vae, good, bad: vae.train_on_batch(bad),
    "test_on_batch": lambda vae, good, bad: vae.test_on_batch(bad),
}


@pytest.mark.parametrize("verb", VERBS)
@every_fault
def test_nothing_happens_on_bad_data(make_vae, images, verb, fault):
    spoil, message = BAD[fault]
    vae = make_vae()
    vae.compile("adam")
    before = vae.get_weights()
    with pytest.raises(ValueError, match=message):
        VERBS[verb](vae, images, spoil(images))
    for a, b in zip(before, vae.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(vae.optimizer.iterations) == 0


@every_fault
def test_no_estimate_of_what_cannot_be(make_vae, images, fault):
    """A Bernoulli's log p of a grey level is a number, but means nothing."""
    spoil, message = BAD[fault]
    with pytest.raises(ValueError, match=message):
        make_vae().marginal_log_likelihood(spoil(images), 2)


def test_places_are_counted_from_the_start(make_vae, monkeypatch, images):
    monkeypatch.setattr(data_checks, "_VALUES", 5 * 16)
    vae = make_vae()
    with pytest.raises(ValueError, match=r"x\[7, 1, 2, 0\]=0.5"):
        vae.check_data(with_value(images, 0.5))


def test_arrays_are_checked_to_their_end(make_vae, monkeypatch, images):
    monkeypatch.setattr(data_checks, "_VALUES", 5 * 16)
    vae = make_vae()
    with pytest.raises(ValueError, match=r"x\[47, 3, 3, 0\]=2\b"):
        vae.check_data(with_value(images, 2, (47, 3, 3, 0)))


def test_good_data_pass_unchanged(make_vae, images):
    vae = make_vae()
    assert vae.check_data(images) is images
    tensor = keras.ops.convert_to_tensor(images)
    assert vae.check_data(tensor) is tensor


def test_what_is_no_array_is_an_error_in_words(make_vae):
    message = "Received: x of type object. Pass e.g. `numpy.asarray"
    with pytest.raises(TypeError, match=message):
        make_vae().check_data(object())
