import numpy as np
import pytest
from sklearn.datasets import load_digits

from keras_vae import datasets

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def tfds(digits_dir):
    del digits_dir  # Generating the digits registered them.
    return pytest.importorskip(
        "tensorflow_datasets",
        reason="The builder is a class of TensorFlow Datasets.",
    )


def test_tfds_knows_the_digits(tfds, digits_dir):
    builder = tfds.builder("digits", data_dir=digits_dir)
    info = builder.info
    assert isinstance(builder, tfds.core.GeneratorBasedBuilder)
    assert info.features["image"].shape == (8, 8, 1)
    assert info.features["image"].dtype == np.uint8
    assert info.features["label"].num_classes == 10
    assert info.splits["train"].num_examples == 1437
    assert info.splits["test"].num_examples == 360
    assert info.supervised_keys == ("image", "label")
    assert "Optical Recognition of Handwritten Digits" in info.citation
    assert "scikit-learn" in info.description
    assert info.homepage.startswith("https://archive.ics.uci.edu/")


def test_the_splits_hold_each_digit_of_scikit_learn_once(digits_dir):
    x, y = datasets.load("digits", "all", digits_dir, with_labels=True)
    bunch = load_digits()
    levels = [0, 16, 32, 48, 64, 80, 96, 112, 128]
    levels += [143, 159, 175, 191, 207, 223, 239, 255]
    expected = np.array(levels, np.float32)[bunch.images.astype(int)] / 255

    def rows(images, labels):
        table = np.column_stack([labels, images.reshape(len(images), -1)])
        return table[np.lexsort(table.T)]

    np.testing.assert_allclose(
        rows(x, y), rows(expected, bunch.target), atol=1e-6
    )


def test_the_split_is_stratified(digits_dir):
    counts = {
        split: np.bincount(
            datasets.load("digits", split, digits_dir, with_labels=True)[1]
        )
        for split in ("train", "test")
    }
    share = counts["test"] / (counts["train"] + counts["test"])
    assert np.all(np.abs(share - 0.2) < 0.006)
