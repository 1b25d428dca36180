import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from keras_vae import datasets

pytestmark = pytest.mark.once

SIZES = {"train": 4096, "validation": 256, "test": 512}


@pytest.fixture(scope="module")
def patches_dir(tmp_path_factory):
    """A `data_dir` in which `patches` was generated."""
    directory = tmp_path_factory.mktemp("tensorflow_datasets")
    datasets.info("patches", data_dir=directory)
    return directory


@pytest.fixture(scope="module")
def tfds(patches_dir):
    del patches_dir  # Generating the patches registered them.
    return pytest.importorskip(
        "tensorflow_datasets",
        reason="The builder is a class of TensorFlow Datasets.",
    )


@pytest.fixture(scope="module")
def examples(tfds, patches_dir):
    """All features of all examples, by split."""
    builder = tfds.builder("patches", data_dir=patches_dir)
    return {
        split: next(iter(tfds.as_numpy(dataset.batch(4096))))
        for split, dataset in builder.as_dataset().items()
    }


def test_tfds_knows_the_patches(tfds, patches_dir):
    builder = tfds.builder("patches", data_dir=patches_dir)
    info = builder.info
    assert isinstance(builder, tfds.core.GeneratorBasedBuilder)
    assert info.features["image"].shape == (64, 64, 3)
    assert info.features["image"].dtype == np.uint8
    assert info.features["label"].names == ["china", "flower"]
    assert {k: v.num_examples for k, v in info.splits.items()} == SIZES
    assert info.supervised_keys == ("image", "label")
    assert "The splits share no pixel" in info.description


def test_patches_load(patches_dir):
    assert datasets.info("patches", patches_dir) == (
        "patches",
        SIZES,
        (64, 64, 3),
        True,
    )
    assert datasets.default_splits("patches", patches_dir) == ("train", "test")
    x, y = datasets.load("patches", "test", patches_dir, with_labels=True)
    assert x.shape == (512, 64, 64, 3) and x.dtype == np.float32
    assert 0.0 <= x.min() < 0.1 and 0.9 < x.max() <= 1.0
    np.testing.assert_array_equal(np.bincount(y), [256, 256])


@pytest.mark.parametrize("split", SIZES)
def test_a_patch_is_what_stands_in_its_photograph(examples, split):
    photographs = load_sample_images().images
    part = examples[split]
    rows = zip(
        *(part[k] for k in ("image", "label", "row", "column", "is_mirrored")),
        strict=True,
    )
    for image, label, row, column, is_mirrored in rows:
        cut = photographs[label][row : row + 64, column : column + 64]
        np.testing.assert_array_equal(
            image[:, ::-1] if is_mirrored else image, cut
        )


def test_the_splits_share_no_pixel_of_a_photograph(examples):
    # A patch covers 64 columns from its own on, in one of two photographs.
    seen = {
        split: {
            (int(label), int(column) + offset)
            for label, column in zip(part["label"], part["column"], strict=True)
            for offset in range(64)
        }
        for split, part in examples.items()
    }
    assert seen["train"] and seen["validation"] and seen["test"]
    assert not seen["train"] & seen["test"]
    assert not seen["train"] & seen["validation"]
    assert not seen["validation"] & seen["test"]
    # Together they leave nothing out.
    assert len(set.union(*seen.values())) == 2 * 640


@pytest.mark.parametrize("split", SIZES)
def test_no_cut_is_there_twice(examples, split):
    part = examples[split]
    keys = ("label", "row", "column", "is_mirrored")
    cuts = np.stack([part[key].astype(int) for key in keys], axis=-1)
    assert len(np.unique(cuts, axis=0)) == SIZES[split]
    assert np.ptp(part["row"]) > 340  # of 363
    share = part["is_mirrored"].mean()
    assert 0.45 < share < 0.55 if split == "train" else share == 0.0


def test_the_places_never_change(tfds):
    del tfds  # It can be imported: so can the builder.
    from keras_vae.datasets.patches_builder import places

    assert list(places("test", 4)) == [
        (0, 348, 259, False),
        (0, 121, 286, False),
        (1, 244, 272, False),
        (1, 261, 265, False),
    ]
    assert list(places("train", 4)) == [
        (0, 37, 154, True),
        (0, 340, 34, True),
        (1, 94, 33, False),
        (1, 317, 369, False),
    ]
