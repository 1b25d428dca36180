"""The weights of a `.keras` file: an HDF5 file that leads nowhere else."""

from typing import IO, Any

from keras_vae.validation import require

# Keras writes arrays as they are. Below this size none is questioned.
_QUESTIONED_SIZE = 2**26
_MAX_EXPANSION = 1100  # The most that gzip, HDF5's usual filter, can do.
_FIX = "Take a file that `model.save` wrote."


def check(file: IO[bytes]) -> None:
    """Raises unless every array of an HDF5 file lies in the file itself.

    Raises:
        ValueError: if one lies elsewhere, or it is no HDF5 file.
    """
    import h5py

    try:
        with h5py.File(file, "r") as weights:
            _check_groups(weights)
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(
            "The weights of a `.keras` file must be an HDF5 file. Received: "
            f"one that cannot be read ({error}). {_FIX}"
        ) from error


def _check_groups(root: Any) -> None:
    """Checks all that a group holds; no link is followed elsewhere."""
    import h5py

    waiting, seen = [root], set()
    while waiting:
        group = waiting.pop()
        if group in seen:  # A group may hold itself.
            continue
        seen.add(group)
        for name in group:
            link = group.get(name, getlink=True)
            require(
                isinstance(link, h5py.HardLink),
                "The weights of a `.keras` file must lie in the file itself. "
                f"Received: {name!r}, a link to another place. {_FIX}",
            )
            value = group[name]
            if isinstance(value, h5py.Group):
                waiting.append(value)
            elif isinstance(value, h5py.Dataset):
                _check_array(name, value)


def _check_array(name: str, array: Any) -> None:
    require(
        not array.external and not array.is_virtual,
        "The weights of a `.keras` file must lie in the file itself. "
        f"Received: {name!r}, whose values are in another file. {_FIX}",
    )
    size = (array.size or 0) * array.dtype.itemsize
    stored = array.id.get_storage_size()
    require(
        size <= max(_QUESTIONED_SIZE, _MAX_EXPANSION * stored),
        "The weights of a `.keras` file must be of the size that its bytes "
        f"can give. Received: {name!r}, of {stored} bytes that unpack to "
        f"{size}. {_FIX}",
    )
