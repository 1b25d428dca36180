import sys

import keras
import numpy as np
import pytest

from keras_vae import datasets
from keras_vae.datasets.tfds_source import TFDSSource

SIZES = [(6, 5), (6, 5), (9, 12)]


@pytest.fixture(scope="module")
def stored_dir(tmp_path_factory):
    """A `data_dir` with small datasets that TFDS itself does not know."""
    tfds = pytest.importorskip(
        "tensorflow_datasets",
        reason="The datasets are stored by TensorFlow Datasets.",
    )
    import tensorflow as tf

    directory = tmp_path_factory.mktemp("stored")

    def store(name, features, examples):
        def generate():
            yield from examples

        features = tfds.features.FeaturesDict(features)
        dataset = tf.data.Dataset.from_generator(
            generate, output_signature=features.get_tensor_spec()
        )
        tfds.dataset_builders.store_as_tfds_dataset(
            name=name,
            version="1.0.0",
            features=features,
            split_datasets={"train": dataset},
            data_dir=str(directory),
            disable_shuffling=True,
        )

    image = tfds.features.Image(shape=(None, None, 3))
    sizes = [{"photo": np.full((*s, 3), 51, np.uint8)} for s in SIZES]
    store("of_many_sizes", {"photo": image}, sizes)
    image = tfds.features.Image(shape=(4, 4, 1))
    shape = tfds.features.ClassLabel(num_classes=3)
    masks = [
        {"image": np.full((4, 4, 1), k % 2, np.uint8), "shape": k % 3}
        for k in range(5)
    ]
    store("of_masks", {"image": image, "shape": shape}, masks)
    text = tfds.features.Sequence(tfds.features.Text())
    pairs = [
        {"image": np.full((4, 4, 1), 9, np.uint8), "mask": mask, "words": words}
        for mask, words in (
            (np.zeros((2, 2, 1), np.uint8), ["a"]),
            (np.zeros((3, 5, 1), np.uint8), ["b", "c"]),
        )
    ]
    mask = tfds.features.Image(shape=(None, None, 1))
    store("of_pairs", {"image": image, "mask": mask, "words": text}, pairs)
    image = tfds.features.Image(shape=(4, 4, 1), dtype=np.uint16)
    deep = [{"image": np.full((4, 4, 1), v, np.uint16)} for v in (0, 13107)]
    store("of_16_bits", {"image": image}, deep)
    return directory


def test_images_of_many_sizes_are_resized(stored_dir):
    info = datasets.info("of_many_sizes", stored_dir)
    assert info == ("of_many_sizes", {"train": 3}, (None, None, 3), False)
    x = datasets.load("of_many_sizes", "train", stored_dir, image_size=4)
    assert x.shape == (3, 4, 4, 3)
    np.testing.assert_allclose(x, 0.2, rtol=1e-6)
    x = datasets.load("of_many_sizes", "train[:2]", stored_dir)
    assert x.shape == (2, 6, 5, 3)
    with pytest.raises(ValueError, match="example 0 of .* example 2 of height"):
        datasets.load("of_many_sizes", "train", stored_dir)


def test_zeros_and_ones_are_black_and_white(stored_dir):
    x, y = datasets.load("of_masks", "train", stored_dir, with_labels=True)
    np.testing.assert_array_equal(x[:, 0, 0, 0], [0, 1, 0, 1, 0])
    np.testing.assert_array_equal(y, [0, 1, 2, 0, 1])


def test_other_features_are_left_out(stored_dir):
    x = datasets.load("of_pairs", "train", stored_dir)
    np.testing.assert_allclose(x, np.full((2, 4, 4, 1), 9 / 255), rtol=1e-6)


def test_16_bits_become_intensities(stored_dir):
    x = datasets.load("of_16_bits", "train", stored_dir)
    np.testing.assert_allclose(x[:, 0, 0, 0], [0.0, 0.2], rtol=1e-6)


def test_labels_are_asked_for_only_where_they_are(stored_dir):
    with pytest.raises(ValueError, match="`with_labels` must be False"):
        datasets.load("of_16_bits", "train", stored_dir, with_labels=True)


def test_slices_are_those_of_the_whole_in_order(digits_dir):
    x, y = datasets.load("digits", "train", digits_dir, with_labels=True)
    for split, expected in (
        ("train[:700]", slice(0, 700)),
        ("train[90%:]", slice(1293, None)),
    ):
        part = datasets.load("digits", split, digits_dir, with_labels=True)
        np.testing.assert_array_equal(part[0], x[expected])
        np.testing.assert_array_equal(part[1], y[expected])
    both = datasets.load("digits", "test+train[:3]", digits_dir)
    np.testing.assert_array_equal(both[360:], x[:3])


def test_slices_of_several_files_are_those_of_the_whole(tmp_path):
    import tensorflow_datasets as tfds

    from keras_vae.datasets.digits_builder import Digits

    config = tfds.download.DownloadConfig(num_shards=3)
    Digits(data_dir=tmp_path).download_and_prepare(download_config=config)
    assert len(list(tmp_path.glob("digits/*/*train.tfrecord*"))) == 3
    x = datasets.load("digits", "train", tmp_path)
    part = datasets.load("digits", "train[400:1200]", tmp_path)
    np.testing.assert_array_equal(part, x[400:1200])


def test_images_are_resized(digits_dir):
    x = datasets.load("digits", "test", digits_dir)
    small = datasets.load("digits", "test", digits_dir, image_size=(4, 2))
    assert small.shape == (360, 4, 2, 1)
    centre = x[:, :, 2:6].mean(axis=(1, 2, 3))
    np.testing.assert_allclose(small.mean(axis=(1, 2, 3)), centre, atol=0.08)


def test_unknown_splits_are_refused(digits_dir):
    with pytest.raises(ValueError, match=r"exist: \['train', 'test'\]"):
        datasets.load("digits", "validation", digits_dir)


def test_the_environment_names_the_folder(digits_dir, tmp_path, monkeypatch):
    for home in ("HOME", "USERPROFILE", "XDG_CACHE_HOME"):
        monkeypatch.setenv(home, str(tmp_path))
    monkeypatch.setenv("TFDS_DATA_DIR", str(digits_dir))
    assert datasets.load("digits", "test").shape == (360, 8, 8, 1)
    assert not list(tmp_path.iterdir())


def test_a_dataset_without_images_is_refused_before_it_is_fetched(tmp_path):
    with pytest.raises(ValueError, match=r"features \['text', 'label'\]"):
        datasets.load("imdb_reviews", "train", data_dir=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "missing", ["tensorflow", "tensorflow_datasets", "importlib_resources"]
)
def test_a_missing_package_is_named(monkeypatch, tmp_path, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"keras-vae\[datasets\]") as info:
        TFDSSource("digits", str(tmp_path))
    assert f"needs `{missing}`" in str(info.value)


@pytest.mark.parametrize("is_too_late", [False, True])
def test_another_backend_keeps_its_gpus(monkeypatch, digits_dir, is_too_late):
    import tensorflow as tf

    hidden = []

    def set_visible_devices(devices, kind):
        hidden.append((devices, kind))
        if is_too_late:
            raise RuntimeError("TensorFlow runs already.")

    monkeypatch.setattr(tf.config, "set_visible_devices", set_visible_devices)
    datasets.load("digits", "test[:1]", digits_dir)
    is_other = keras.backend.backend() != "tensorflow"
    assert hidden == ([([], "GPU")] if is_other else [])


def test_mnist_loads(mnist_dir):
    assert datasets.info("mnist", mnist_dir) == (
        "mnist",
        {"train": 60000, "test": 10000},
        (28, 28, 1),
        True,
    )
    x, y = datasets.load("mnist", "test[:2000]", mnist_dir, with_labels=True)
    assert x.shape == (2000, 28, 28, 1) and x.dtype == np.float32
    assert (x.min(), x.max()) == (0.0, 1.0)
    assert np.all(np.bincount(y) > 150)
    drawn = datasets.load("mnist", "test[:2000]", mnist_dir, binarize="static")
    assert abs(drawn.mean() - x.mean()) < 0.001
