import numpy as np
import pytest
from PIL import Image

from keras_vae import datasets

pytestmark = pytest.mark.once


def save(path, level=100, size=(6, 5), mode="L"):
    """Saves an image of one grey level; `size` is (height, width)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("L", size[::-1], level).convert(mode)
    image.save(path)
    return path


def levels(x):
    """Returns the grey level of each image."""
    return np.rint(x.mean(axis=(1, 2, 3)) * 255).astype(int).tolist()


@pytest.mark.parametrize("suffix", ["png", "jpg", "JPEG", "bmp", "webp", "gif"])
def test_every_format_is_read(tmp_path, suffix):
    save(tmp_path / f"a.{suffix}", 200)
    x = datasets.load(tmp_path, "train")
    assert x.shape[:3] == (1, 6, 5) and x.dtype == np.float32
    np.testing.assert_allclose(x, 200 / 255, atol=1.5 / 255)


def test_a_flat_folder_is_the_split_train_sorted_by_name(tmp_path):
    for name, level in (("b", 20), ("a", 10), ("c", 30), (".hidden", 40)):
        save(tmp_path / f"{name}.png", level)
    (tmp_path / "notes.txt").write_text("no image")
    save(tmp_path / "__MACOSX" / "d.png")
    info = datasets.info(tmp_path)
    assert info == (str(tmp_path), {"train": 3}, (6, 5, 1), False)
    assert levels(datasets.load(str(tmp_path), "train")) == [10, 20, 30]
    assert levels(datasets.load(tmp_path, "train[1:]")) == [20, 30]
    with pytest.raises(ValueError, match=r"splits that exist: \['train'\]"):
        datasets.load(tmp_path, "test")
    with pytest.raises(ValueError, match="`with_labels` must be False"):
        datasets.load(tmp_path, "train", with_labels=True)


def test_class_folders_give_labels(tmp_path):
    save(tmp_path / "dog" / "1.png", 30)
    save(tmp_path / "cat" / "deep" / "2.png", 20)
    save(tmp_path / "cat" / "1.png", 10)
    x, y = datasets.load(tmp_path, "train", with_labels=True)
    assert levels(x) == [10, 20, 30]
    np.testing.assert_array_equal(y, [0, 0, 1])


def test_split_folders_share_their_classes(tmp_path):
    save(tmp_path / "train" / "cat" / "1.png", 10)
    save(tmp_path / "train" / "dog" / "1.png", 20)
    save(tmp_path / "test" / "dog" / "1.png", 30)
    assert datasets.info(tmp_path).splits == {"train": 2, "test": 1}
    assert datasets.default_splits(tmp_path) == ("train", "test")
    x, y = datasets.load(tmp_path, "test", with_labels=True)
    assert levels(x) == [30]
    np.testing.assert_array_equal(y, [1])
    assert levels(datasets.load(tmp_path, "test+train")) == [30, 10, 20]


def test_images_beside_the_splits_are_refused(tmp_path):
    save(tmp_path / "train" / "1.png")
    stray = save(tmp_path / "car" / "1.png")
    with pytest.raises(ValueError, match="must hold all its images in") as info:
        datasets.load(tmp_path, "train")
    assert str(stray) in str(info.value)


def test_sizes_must_agree_unless_a_size_is_given(tmp_path):
    first = save(tmp_path / "a.png", size=(6, 5))
    second = save(tmp_path / "b.png", size=(9, 12))
    with pytest.raises(ValueError, match="Pass e.g. `image_size=5`") as info:
        datasets.load(tmp_path, "train")
    assert f"{first} of height 6, width 5" in str(info.value)
    assert f"{second} of height 9, width 12" in str(info.value)
    x = datasets.load(tmp_path, "train", image_size=(4, 3))
    assert x.shape == (2, 4, 3, 1)


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey_images_have_one_channel(tmp_path, mode):
    save(tmp_path / "a.png", 255, mode=mode)
    x = datasets.load(tmp_path, "train")
    np.testing.assert_array_equal(x, np.ones((1, 6, 5, 1)))


def test_a_grey_palette_is_grey(tmp_path):
    image = Image.new("P", (5, 6), 3)
    image.putpalette([level for level in range(256) for _ in range(3)])
    image.save(tmp_path / "a.png")
    assert datasets.load(tmp_path, "train").shape == (1, 6, 5, 1)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_one_colour_image_makes_all_colour(tmp_path, mode):
    save(tmp_path / "train" / "a.png", 10)
    colour = Image.new("RGB", (5, 6), (255, 0, 51)).convert(mode)
    (tmp_path / "test").mkdir()
    colour.save(tmp_path / "test" / "b.png")
    assert datasets.load(tmp_path, "train").shape == (1, 6, 5, 3)
    x = datasets.load(tmp_path, "test")
    np.testing.assert_allclose(x[0, 0, 0], [1.0, 0.0, 0.2], rtol=1e-6)


def test_the_rotation_noted_by_a_camera_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # Turned by a quarter.
    Image.new("L", (5, 6), 9).save(tmp_path / "a.jpg", exif=exif)
    assert datasets.load(tmp_path, "train").shape == (1, 5, 6, 1)


@pytest.mark.parametrize("image_size", [None, 4])
@pytest.mark.parametrize("content", ["nothing", "text", "half"])
def test_unreadable_images_are_named(tmp_path, content, image_size):
    save(tmp_path / "a.png")
    broken = save(tmp_path / "b.png", size=(64, 64))
    half = broken.read_bytes()[: broken.stat().st_size // 2]
    broken.write_bytes({"nothing": b"", "text": b"text", "half": half}[content])
    with pytest.raises(ValueError, match="files that Pillow can") as info:
        datasets.load(tmp_path, "train", image_size=image_size)
    assert str(broken) in str(info.value)


def test_images_of_more_than_8_bits_are_refused(tmp_path):
    Image.fromarray(np.full((6, 5), 999, np.uint16)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="8 bits a channel.*a.png of Pillow"):
        datasets.load(tmp_path, "train")


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(ValueError, match="must be a folder that holds images"):
        datasets.load(tmp_path, "train")
