import pathlib
import subprocess
import sys

import numpy as np
import pytest

from keras_vae import datasets
from keras_vae.datasets import binarize

LEVELS = np.random.default_rng(0).integers(0, 256, (30, 6, 4), np.uint8)
LABELS = np.arange(30) % 4


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("npz") / "images.npz"
    np.savez(path, x_train=LEVELS, y_train=LABELS)
    return path


def test_the_public_names():
    assert datasets.__all__ == [
        "DatasetInfo",
        "DynamicBinarization",
        "default_splits",
        "info",
        "load",
    ]


@pytest.mark.once
def test_importing_loads_no_optional_package():
    code = """if True:
        import sys
        import keras
        before = set(sys.modules)
        import keras_vae.datasets
        optional = {"tensorflow_datasets", "sklearn", "PIL", "tensorflow"}
        print(sorted(optional & (set(sys.modules) - before)))
    """
    root = pathlib.Path(datasets.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_digits_load(digits_dir):
    x = datasets.load("digits", "train", digits_dir)
    assert x.shape == (1437, 8, 8, 1) and x.dtype == np.float32
    assert (x.min(), x.max()) == (0.0, 1.0)
    assert datasets.info("digits", digits_dir) == (
        "digits",
        {"train": 1437, "test": 360},
        (8, 8, 1),
        True,
    )
    assert datasets.default_splits("digits", digits_dir) == ("train", "test")


@pytest.mark.parametrize("with_labels", [False, True])
@pytest.mark.parametrize("mode", [None, "threshold", "static", "dynamic"])
def test_every_binarisation(path, mode, with_labels):
    data = datasets.load(
        path,
        "train[10:]",
        binarize=mode,
        seed=3,
        batch_size=20,
        shuffle=False,
        with_labels=with_labels,
    )
    if mode == "dynamic":
        assert isinstance(data, datasets.DynamicBinarization)
        [data] = data
    x, y = data if with_labels else (data, LABELS[10:])
    levels = LEVELS[10:, ..., None]
    expected = {
        None: levels / np.float32(255),
        "threshold": levels > 127,
        "static": binarize.static(levels, 3),
        "dynamic": binarize.static(levels, 3),
    }
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, expected[mode], rtol=1e-6)
    np.testing.assert_array_equal(y, LABELS[10:])


def test_the_dynamic_dataset_takes_the_arguments(path):
    dataset = datasets.load(
        path, "train", binarize="dynamic", seed=9, batch_size=7, shuffle=False
    )
    assert (dataset.seed, dataset.batch_size, dataset.shuffle) == (9, 7, False)
    assert datasets.load(path, "train", binarize="dynamic").shuffle


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        (["x_train", "x_test", "x_validation"], ("train", "test")),
        (["x_train", "x_val"], ("train", "val")),
        (["x_train"], ("train[:90%]", "train[90%:]")),
        (["x_test"], ("test[:90%]", "test[90%:]")),
    ],
)
def test_default_splits(tmp_path, sizes, expected):
    np.savez(tmp_path / "a.npz", **dict.fromkeys(sizes, LEVELS))
    assert datasets.default_splits(tmp_path / "a.npz") == expected


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"binarize": "sometimes"}, ValueError, "`binarize` must be one of"),
        ({"image_size": 0}, ValueError, "`image_size` must be None"),
        ({"image_size": "8"}, TypeError, "`image_size` must be None"),
        ({"seed": 0.5}, TypeError, "`seed` must be an integer"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be a positive"),
        ({"split": ["train"]}, TypeError, "`split` must be a string"),
        ({"split": "tset"}, ValueError, "name one of the splits that exist"),
    ],
)
def test_bad_arguments_are_refused(path, arguments, error, match):
    with pytest.raises(error, match=match):
        datasets.load(**{"name": path, "split": "train", **arguments})


@pytest.mark.parametrize("name", [None, 3, ""])
def test_a_name_is_a_name_or_a_path(name):
    with pytest.raises(TypeError, match="a dataset's name or a path"):
        datasets.load(name, "train")


@pytest.mark.parametrize(
    "name",
    [
        "missing.npz",
        "./missing",
        "~/no such folder",
        "/missing/folder",
        pathlib.Path("missing"),
    ],
)
def test_a_missing_path_is_refused(name):
    with pytest.raises(ValueError, match="neither an existing folder nor"):
        datasets.load(name, "train")


def test_another_kind_of_file_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(ValueError, match="neither an existing folder nor"):
        datasets.load(str(tmp_path / "a.txt"), "train")
