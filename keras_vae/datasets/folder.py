"""Images from a folder of files."""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from keras_vae.datasets import images as image_ops
from keras_vae.datasets.source import Examples
from keras_vae.datasets.splits import Part
from keras_vae.types import Shape
from keras_vae.validation import optional_import, require

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif")
_SPLIT_NAMES = ("train", "test", "validation", "valid", "val")
_GREY_MODES = ("1", "L", "LA", "La")
_COLOUR_MODES = ("RGB", "RGBA", "RGBa", "RGBX", "P", "PA", "CMYK", "YCbCr")


class File(NamedTuple):
    """An image file and the name of its class, if it lies in a class folder."""

    path: pathlib.Path
    class_name: str | None


class FolderSource:
    """Images in a folder: png, jpg, jpeg, bmp, webp and gif.

    Sub-folders `train`, `test`, `validation`, `valid` and `val` are splits; a
    folder without them is one split, `train`. A split's sub-folders are
    classes, numbered in the order of their sorted names over all splits; an
    image deeper down belongs to the class at the top. Files are in the order
    of their paths. Hidden files are left out.

    Grey images have one channel; if any image of the folder is in colour, all
    get three. Transparency is dropped, the rotation a camera noted is
    applied, and of an animation the first frame counts.

    Args:
        path: The folder.

    Raises:
        ValueError: if it holds no image, or images beside its splits.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._splits = _files_by_split(path)
        files = [file for split in self._splits.values() for file in split]
        names = {file.class_name for file in files}
        self._class_names = [] if None in names else sorted(map(str, names))
        self._num_channels: int | None = None

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of images of each split."""
        return {name: len(files) for name, files in self._splits.items()}

    @property
    def image_shape(self) -> Shape:
        """Height, width and channels of the first image."""
        first = next(iter(self._splits.values()))[0]
        return _decode(first.path, self._channels(), None).shape

    @property
    def has_labels(self) -> bool:
        """Whether every image lies in a class folder."""
        return bool(self._class_names)

    def read(
        self,
        parts: Sequence[Part],
        image_size: Shape | None,
        with_labels: bool,
    ) -> Examples:
        """Reads ranges of files, several at a time, in their order."""
        files = [
            file
            for name, start, stop in parts
            for file in self._splits[name][start:stop]
        ]
        num_channels = self._channels()
        with ThreadPoolExecutor() as pool:
            decoded = pool.map(
                lambda file: _decode(file.path, num_channels, image_size), files
            )
            names = [str(file.path) for file in files]
            images = image_ops.stack(decoded, names)
        labels = None
        if with_labels:
            classes = [str(file.class_name) for file in files]
            labels = np.searchsorted(self._class_names, classes)
        return Examples(images, labels)

    def _channels(self) -> int:
        """Returns 3 if any image of the folder is in colour, else 1."""
        if self._num_channels is None:
            files = [file for split in self._splits.values() for file in split]
            any_colour = any(_is_colour(file.path) for file in files)
            self._num_channels = 3 if any_colour else 1
        return self._num_channels


def _files_by_split(path: pathlib.Path) -> dict[str, list[File]]:
    """Lists the image files of each split, in the order of their paths."""
    found = _image_files(path)
    splits = [name for name in _SPLIT_NAMES if (path / name).is_dir()]
    by_split: dict[str, list[File]] = {name: [] for name in splits or ["train"]}
    for file in found:
        split = file.parts[0] if splits else "train"
        require(
            split in by_split,
            f"A folder with the splits {splits} must hold all its images in "
            f"them. Received: {path / file} beside them. Move it into e.g. "
            f"`{splits[:1]}`, or rename that folder if it is a class.",
        )
        inside = pathlib.PurePath(*file.parts[1:]) if splits else file
        class_name = inside.parts[0] if len(inside.parts) > 1 else None
        by_split[split].append(File(path / file, class_name))
    return {name: files for name, files in by_split.items() if files}


def _image_files(path: pathlib.Path) -> list[pathlib.PurePath]:
    """Lists the visible image files below a folder, relative to it."""
    files = [
        file.relative_to(path)
        for file in path.rglob("*")
        if file.suffix.lower() in SUFFIXES
    ]
    visible = [
        file
        for file in files
        if not any(part.startswith((".", "__MACOSX")) for part in file.parts)
    ]
    require(
        bool(visible),
        f"`name` must be a folder that holds images ({', '.join(SUFFIXES)}). "
        f"Received: name={str(path)!r}, which holds none. "
        'Pass e.g. `load("./photos", "train")`.',
    )
    return sorted(visible, key=lambda file: file.as_posix())


def _read(path: pathlib.Path, function: Callable[[Any], Any]) -> Any:
    """Returns what `function` makes of a file's Pillow image."""
    pillow = optional_import("PIL.Image", "datasets", "Reading image files")
    errors = (OSError, SyntaxError, pillow.DecompressionBombError)
    try:
        with pillow.open(path) as image:
            return function(image)
    except errors as error:
        raise ValueError(
            f"Images must be files that Pillow can read. Received: {path} "
            f"({error}). Remove it or replace it by a whole file."
        ) from error


def _is_colour(path: pathlib.Path) -> bool:
    def function(image: Any) -> bool:
        if image.mode == "P":
            palette = np.reshape(image.getpalette("RGB"), (-1, 3))
            return bool((palette != palette[:, :1]).any())
        return image.mode in _COLOUR_MODES

    return _read(path, function)


def _decode(
    path: pathlib.Path, num_channels: int, image_size: Shape | None
) -> np.ndarray:
    """Returns a file's pixels, uint8 of shape (height, width, channels)."""
    ops = optional_import("PIL.ImageOps", "datasets", "Reading image files")

    def function(image: Any) -> np.ndarray:
        require(
            image.mode in _GREY_MODES + _COLOUR_MODES,
            "Images must have 8 bits a channel, grey or colour. Received: "
            f"{path} of Pillow's mode {image.mode!r}. Convert it first, e.g. "
            '`PIL.Image.open(path).convert("RGB").save(path)`.',
        )
        mode = "RGB" if num_channels == 3 else "L"
        return np.array(ops.exif_transpose(image).convert(mode))

    pixels = _read(path, function)
    pixels = pixels.reshape(pixels.shape[:2] + (num_channels,))
    if image_size is None:
        return pixels
    return image_ops.resize(pixels, image_size)
