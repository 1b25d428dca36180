"""Reads the manifest of a version directory, which may be a stranger's.

Nothing is believed: every value that is used is checked, no path may leave
the directory by its name or by a link, and each file is read once, so that
what was hashed is what is loaded.
"""

import hashlib
import json
import pathlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn, TypeGuard

from keras_vae_serving import dtypes
from keras_vae_serving.dtypes import DataType
from keras_vae_serving.status import Code, ServingError, invalid
from keras_vae_serving.store import version_files

FILE = "manifest.json"
FORMAT_VERSION = 1
BATCH = "N"
_FORMAT = "onnx"
_MAX_BYTES = 4 * 2**20  # A real one has some tens of kilobytes.
_MAX_ENTRIES = 100  # Signatures of a model, and tensors of a signature.
_MAX_RANK = 16
_MAX_SIZE = 2**31 - 1  # Of an axis, and of an ONNX file.
_DTYPES = {"float32": "DT_FLOAT", "int32": "DT_INT32", "int64": "DT_INT64"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FIX = "Serve a directory that `keras-vae export` wrote."


class Tensor(NamedTuple):
    """An input or output; sizes that are not fixed are `None`."""

    dtype: DataType
    shape: tuple[int | None, ...]


class File(NamedTuple):
    """A file of the directory, and what it must hold."""

    path: str
    sha256: str
    size: int


class GraphEntry(NamedTuple):
    """A signature that an ONNX file holds."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    file: File


def read(directory: pathlib.Path) -> dict[str, GraphEntry]:
    """Reads which signatures a version directory has as ONNX files.

    Args:
        directory: The version directory.

    Returns:
        By name, in the manifest's order; at least one.

    Raises:
        ServingError: NOT_FOUND if there is no manifest; INVALID_ARGUMENT if
            it is not as `keras-vae export` writes it; FAILED_PRECONDITION
            if it names no ONNX file.
    """
    return _Reader(directory / FILE).signatures(read_bytes(directory))


def read_bytes(directory: pathlib.Path) -> bytes:
    """Returns what the manifest of a version directory holds, as it stands.

    Raises:
        ServingError: NOT_FOUND if there is none; INVALID_ARGUMENT if it is
            far larger than a manifest is.
    """
    with version_files.open_file(directory, FILE) as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise invalid(
            f"`{FILE}` must have at most {_MAX_BYTES} bytes. Received: "
            f"{str(directory / FILE)!r}, which has more. {_FIX}"
        )
    return content


def read_file(directory: pathlib.Path, file: File) -> bytes:
    """Returns what a file holds, if it is what was exported.

    Raises:
        ServingError: NOT_FOUND if it is missing; INVALID_ARGUMENT if it
            stands outside of the directory; DATA_LOSS if it has changed.
    """
    with version_files.open_file(directory, file.path) as opened:
        content = opened.read(file.size + 1)
    digest = hashlib.sha256(content).hexdigest()
    if (len(content), digest) != (file.size, file.sha256):
        raise ServingError(
            Code.DATA_LOSS,
            f"`{file.path}` must have {file.size} bytes with the SHA-256 "
            f"{file.sha256}. Received: {str(directory / file.path)!r}, which "
            "holds something else. It was changed or not copied whole: copy "
            "or export the version again.",
        )
    return content


class _Reader:
    """Checks one manifest; `place` in messages says where in it."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path

    def signatures(self, content: bytes) -> dict[str, GraphEntry]:
        manifest = self._mapping(self._parsed(content), "its top")
        version = manifest.get("format_version")
        if version != FORMAT_VERSION or isinstance(version, bool):
            self._fail("format_version", f"{FORMAT_VERSION}", version)
        files = self._mapping(manifest.get("files"), "files")
        signatures = self._mapping(manifest.get("signatures"), "signatures")
        self._check_count(signatures, "signatures")
        found = {}
        for name, value in signatures.items():
            place = f"signatures/{name[:100]}"
            signature = self._mapping(value, place)
            paths = self._mapping(signature.get("files"), f"{place}/files")
            self._check_name(name, place)
            if _FORMAT in paths:
                file = self._file(paths[_FORMAT], files, place)
                found[name] = self._entry(signature, file, place)
        if not found:
            self._fail_without_onnx()
        return found

    def _parsed(self, content: bytes) -> Any:
        try:
            return json.loads(content, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise invalid(
                f"`{FILE}` must be JSON. Received: {str(self._path)!r} "
                f"({str(error)[:200]}). {_FIX}"
            ) from error

    def _entry(
        self, signature: Mapping[str, Any], file: File, place: str
    ) -> GraphEntry:
        inputs = self._tensors(signature.get("inputs"), f"{place}/inputs")
        outputs = self._tensors(signature.get("outputs"), f"{place}/outputs")
        return GraphEntry(inputs, outputs, file)

    def _tensors(self, value: Any, place: str) -> dict[str, Tensor]:
        if not isinstance(value, list) or not value:
            self._fail(place, "a list that is not empty", value)
        self._check_count(value, place)
        found = {}
        for number, one in enumerate(value):
            here = f"{place}/{number}"
            tensor = self._mapping(one, here)
            name = self._check_name(tensor.get("name"), f"{here}/name")
            if name in found:
                self._fail(f"{here}/name", "a name of its own", name)
            dtype = tensor.get("dtype")
            if not isinstance(dtype, str) or dtype not in _DTYPES:
                self._fail(f"{here}/dtype", f"one of {sorted(_DTYPES)}", dtype)
            shape = self._shape(tensor.get("shape"), f"{here}/shape")
            found[name] = Tensor(dtypes.BY_NAME[_DTYPES[dtype]], shape)
        return found

    def _shape(self, value: Any, place: str) -> tuple[int | None, ...]:
        if not isinstance(value, list) or len(value) > _MAX_RANK:
            self._fail(place, f"a list of at most {_MAX_RANK} sizes", value)
        if not all(size == BATCH or _is_size(size) for size in value):
            self._fail(place, f"a list of sizes and {BATCH!r}", value)
        return tuple(None if size == BATCH else size for size in value)

    def _file(self, path: Any, files: Mapping[str, Any], place: str) -> File:
        place = f"{place}/files/{_FORMAT}"
        if not isinstance(path, str) or not version_files.is_inside(path):
            self._fail(place, "the path of a file in its own directory", path)
        if path not in files:
            self._fail(place, "a file whose hash the manifest gives", path)
        place = f"files/{path}"
        entry = self._mapping(files[path], place)
        sha256, size = entry.get("sha256"), entry.get("size")
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            self._fail(f"{place}/sha256", "64 hexadecimal digits", sha256)
        if not _is_size(size):
            wanted = f"an integer from 0 to {_MAX_SIZE}"
            self._fail(f"{place}/size", wanted, size)
        return File(path, sha256, size)

    def _mapping(self, value: Any, place: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self._fail(place, "an object", value)
        return value

    def _check_name(self, value: Any, place: str) -> str:
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            self._fail(place, "a name of letters, digits and _ . / -", value)
        return value

    def _check_count(self, value: Any, place: str) -> None:
        if len(value) > _MAX_ENTRIES:
            wanted = f"at most {_MAX_ENTRIES} entries"
            self._fail(place, wanted, f"{len(value)} of them")

    def _fail(self, place: str, wanted: str, value: Any) -> NoReturn:
        raise invalid(
            f"`{FILE}` must hold {wanted} at {place}. Received: "
            f"{str(self._path)!r} with {_shown(value)}. {_FIX}"
        )

    def _fail_without_onnx(self) -> NoReturn:
        raise ServingError(
            Code.FAILED_PRECONDITION,
            f"`{FILE}` must name an ONNX file. Received: "
            f"{str(self._path)!r}, which names none: TensorFlow Serving can "
            "serve this directory, this server cannot. Export it again with "
            "`--format onnx` too.",
        )


def _is_size(value: Any) -> TypeGuard[int]:
    number = isinstance(value, int) and not isinstance(value, bool)
    return number and 0 <= value <= _MAX_SIZE


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _shown(value: Any) -> str:
    """A short form, made without walking through all of a large value."""
    if isinstance(value, (dict, list)) and len(value) > 20:
        return f"{type(value).__name__} of {len(value)} entries"
    return repr(value)[:200]
