import os

import numpy as np
import pytest

from keras_vae import datasets
from keras_vae.datasets.npz import NpzSource

pytestmark = pytest.mark.once

RNG = np.random.default_rng(0)
TRAIN = RNG.integers(0, 256, (6, 5, 4), np.uint8)
TEST = RNG.integers(0, 256, (3, 5, 4), np.uint8)


@pytest.fixture
def write(tmp_path):
    def function(**arrays):
        path = tmp_path / "images.npz"
        np.savez(path, **arrays)
        return path

    return function


@pytest.mark.parametrize(
    ("train_key", "test_key"), [("x_train", "x_test"), ("train", "test")]
)
def test_splits_are_keys(write, train_key, test_key):
    arrays = {train_key: TRAIN, test_key: TEST}
    labels = {"y_train": np.arange(6), "y_test": np.arange(3)}
    path = write(**arrays, **labels)
    assert datasets.info(path) == (
        str(path),
        {"train": 6, "test": 3},
        (5, 4, 1),
        True,
    )
    x, y = datasets.load(str(path), "test+train[4:]", with_labels=True)
    expected = np.concatenate([TEST, TRAIN[4:]])[..., None] / 255
    np.testing.assert_allclose(x, expected, rtol=1e-6)
    np.testing.assert_array_equal(y, [0, 1, 2, 4, 5])


@pytest.mark.parametrize("key", ["x", "images", "data", "faces"])
def test_one_array_is_the_split_train(write, key):
    path = write(**{key: TRAIN})
    assert datasets.info(path).splits == {"train": 6}
    assert datasets.default_splits(path) == ("train[:90%]", "train[90%:]")
    x = datasets.load(path, "train[-2:]")
    assert x.shape == (2, 5, 4, 1) and x.dtype == np.float32
    with pytest.raises(ValueError, match=r"splits that exist: \['train'\]"):
        datasets.load(path, "test")


@pytest.mark.parametrize("label_key", ["y", "labels", "targets"])
def test_one_array_may_have_labels(write, label_key):
    path = write(images=TRAIN, **{label_key: np.arange(6)})
    _, y = datasets.load(path, "train", with_labels=True)
    np.testing.assert_array_equal(y, np.arange(6))


def test_colour_images_are_resized(write):
    path = write(x=np.full((2, 8, 6, 3), 51, np.uint8))
    x = datasets.load(path, "train", image_size=4)
    assert x.shape == (2, 4, 4, 3)
    np.testing.assert_allclose(x, 0.2, rtol=1e-6)


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        (
            {"a": TRAIN, "b": TEST},
            r"Received: the keys \['a', 'b'\]",
        ),
        ({"x": TRAIN.reshape(6, 20)}, r"Received: shape \(6, 20\)"),
        ({"x": TRAIN[:, None]}, r"Received: shape \(6, 1, 5, 4\)"),
        ({"x": TRAIN[:0]}, r"Received: shape \(0, 5, 4\)"),
        ({"x": TRAIN + np.int64(99)}, "values from .* in `x` of"),
        ({"x": -1.0 * TRAIN}, "from 0 to 255"),
        (
            {"x": np.array([[1], [1, 2]], dtype=object)},
            "`x` of .* must be an array of numbers",
        ),
        ({"x": TRAIN, "y": np.arange(5)}, "one label for each of the 6 images"),
        (
            {"train": TRAIN, "test": TEST[:, :3]},
            "`train` of height 5, .* `test` of height 3",
        ),
    ],
)
def test_unusable_files_are_refused(write, arrays, match):
    path = write(**arrays)
    with pytest.raises(ValueError, match=match):
        datasets.load(path, "all", with_labels="y" in arrays)


def test_labels_are_asked_for_only_where_they_are(write):
    with pytest.raises(ValueError, match="`with_labels` must be False for"):
        datasets.load(write(x=TRAIN), "train", with_labels=True)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04broken"])
def test_files_that_numpy_cannot_read_are_refused(tmp_path, content):
    path = tmp_path / "broken.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="file that NumPy can read"):
        NpzSource(path)


def test_an_npy_file_by_another_name_is_refused(tmp_path):
    with open(tmp_path / "one.npz", "wb") as file:
        np.save(file, TRAIN)
    with pytest.raises(ValueError, match="file that NumPy can read"):
        NpzSource(tmp_path / "one.npz")


def test_the_frey_faces_load():
    path = os.environ.get("KERAS_VAE_FREY_FACES")
    if path is None:
        pytest.skip(
            "KERAS_VAE_FREY_FACES does not name the `.npz` file of the Frey "
            "faces, and the tests download nothing."
        )
    x = datasets.load(path, "train")
    assert x.shape == (1965, 28, 20, 1)
    assert 0.0 < x.min() < x.mean() < x.max() < 1.0
