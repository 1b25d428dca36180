"""Small inputs for a signature: those of the export, or made up."""

import zipfile
from collections.abc import Mapping
from typing import BinaryIO

import numpy as np

Arrays = dict[str, np.ndarray]
# By signature, inputs by name and, where they are known, outputs.
Examples = dict[str, tuple[Arrays, Arrays]]

# By name, dtype and shape; `None` stands for the rows.
Tensors = Mapping[str, tuple[np.dtype, tuple[int | None, ...]]]

NUM_ROWS = 3
_COUNT = "num_samples"
_SEEDS = (7, -1, 12345678901234)
_MAX_BYTES = 2**30


def make(tensors: Tensors) -> Arrays:
    """Makes inputs up: the same ones for the same tensors.

    Args:
        tensors: What a signature takes.
    """
    return {
        name: _filled(name, dtype, _sizes(shape))
        for name, (dtype, shape) in tensors.items()
    }


def _sizes(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    return tuple(NUM_ROWS if size is None else size for size in shape)


def _filled(name: str, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    if name == _COUNT:
        return np.full(shape, NUM_ROWS, dtype)
    if np.issubdtype(dtype, np.integer):
        # Narrow integers are indices, of codes or classes: small ones.
        seeds = _SEEDS if name == "seed" else (1, 0, 1)
        return np.resize(np.array(seeds).astype(dtype), shape)
    size = int(np.prod(shape))
    return np.linspace(0, 1, num=size).astype(dtype).reshape(shape)


def fits(inputs: Arrays, tensors: Tensors) -> bool:
    """Whether inputs are what a signature takes."""
    return set(inputs) == set(tensors) and all(
        inputs[name].dtype == dtype and inputs[name].ndim == len(shape)
        for name, (dtype, shape) in tensors.items()
    )


def read(file: BinaryIO) -> Examples:
    """Reads the reference that an export wrote.

    Args:
        file: Its `.npz` file, which may be a stranger's.

    Returns:
        By signature, its first rows; empty if the file holds none.

    Raises:
        ValueError: if it is no such file.
    """
    found: Examples = {}
    try:
        _check_size(file)
        with np.load(file, allow_pickle=False) as arrays:
            for key in arrays.files:
                side, _, rest = key.partition("/")
                signature, _, name = rest.partition("/")
                if side in ("inputs", "outputs") and name:
                    sides = found.setdefault(signature, ({}, {}))
                    sides[side == "outputs"][name] = _first(name, arrays[key])
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"it must be an .npz file of NumPy's ({error}). Export the "
            "version again."
        ) from error
    return found


def _check_size(file: BinaryIO) -> None:
    with zipfile.ZipFile(file) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > _MAX_BYTES:
        raise ValueError(f"it unpacks to more than {_MAX_BYTES} bytes")
    file.seek(0)


def _first(name: str, value: np.ndarray) -> np.ndarray:
    if name == _COUNT:
        return np.full(value.shape, NUM_ROWS, value.dtype)
    return value[:NUM_ROWS] if value.ndim else value
