"""The export of a VAE: what users call."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from keras_vae import VAE
from keras_vae.validation import require
from keras_vae_export import arguments, manifest, process, version_directory
from keras_vae_export.custom_classes import modules_of
from keras_vae_export.reference import Reference, make_reference
from keras_vae_export.requests import Report, Request
from keras_vae_export.signatures import FORMATS, SIGNATURES, onnx_path
from keras_vae_export.source import (
    MODEL_FILE,
    check_source,
    default_name,
    import_modules,
    open_snapshot,
)


def export(
    run_or_model: Any,
    directory: str | os.PathLike,
    formats: Iterable[str] = FORMATS,
    *,
    name: str | None = None,
    version: int | None = None,
    imports: Iterable[str] = (),
) -> pathlib.Path:
    """Writes a version directory, which TensorFlow Serving can poll.

    Every file is run in its own runtime and compared with the live model
    first; the directory then appears whole, or not at all.

    Args:
        run_or_model: A VAE, a run directory, or the path of a `.keras` file.
        directory: Path: what is written is `directory/name/version`.
        formats: Some of `"tf_saved_model"` and `"onnx"`. Defaults to both.
        name: String of letters, digits, `.`, `_` and `-`. Defaults to the
            run directory's, the file's or the model's name.
        version: Positive integer. Defaults to 1 + the largest that exists.
        imports: Full names of modules that register classes of your own, for
            a model from a file. A VAE in memory names its modules itself.

    Returns:
        Path of the version directory. It holds `manifest.json` and, by
        format, `saved_model.pb` with its folders and an ONNX file for each
        signature.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if an argument is not as described.
        ImportError: if a library of the extra `export` is missing.
        FileNotFoundError: if there is no model at a path.
        FileExistsError: if the version exists.
        OSError: if the directory cannot be written.
        ParityError: if a file does not compute what the model computes.
        ExportError: if the model cannot be exported for another reason.

    Example:
    >>> path = keras_vae_export.export("runs/digits", "models")
    >>> path.as_posix()
    'models/digits/1'
    """
    source = check_source(run_or_model)
    chosen = arguments.checked_formats(formats)
    modules = arguments.checked_imports(imports)
    final = _new_version(
        pathlib.Path(directory),
        default_name(source) if name is None else name,
        version,
    )
    arguments.check_installed(chosen)
    with version_directory.hidden_sibling(final) as hidden:
        done = _write(source, hidden, chosen, SIGNATURES, modules)
        manifest.write(hidden, manifest.build(final, hidden, chosen, *done))
        version_directory.publish(hidden, final)
    return final


def _new_version(
    directory: pathlib.Path, name: str, version: int | None
) -> pathlib.Path:
    """Returns the path of a version that does not exist yet."""
    parent = directory / arguments.checked_name(name)
    if version is None:
        version = version_directory.next_version(parent)
    number = arguments.checked_version(version)
    version_directory.check_new_version(parent, number)
    return parent / str(number)


def export_model(
    model: VAE,
    filepath: str | os.PathLike,
    format: str = "tf_saved_model",
    signature: str = "decode",
) -> None:
    """Writes one SavedModel or one ONNX file; `VAE.export` calls it.

    A SavedModel holds every signature, an ONNX file one of them. It is
    compared with the live model first, as in `export`, and appears
    whole or not at all.

    Args:
        model: A VAE.
        filepath: Path: a directory for `"tf_saved_model"`, a file that ends
            in `.onnx` for `"onnx"`.
        format: `"tf_saved_model"` or `"onnx"`.
        signature: The function of an ONNX file. Defaults to `"decode"`.

    Raises:
        TypeError: if `model` is no VAE.
        ValueError: if an argument is not as described.
        FileExistsError: if something stands at `filepath`.
        ImportError: if a library of the extra `export` is missing.
        OSError: if `filepath` cannot be written.
        ParityError: if the file does not compute what the model computes.
        ExportError: if the model cannot be exported for another reason.
    """
    if not isinstance(model, VAE):
        raise TypeError(
            f"`model` must be a VAE. Received: model={model!r} of type "
            f"{type(model).__name__}. Pass a path to `export(...)` instead."
        )
    name = arguments.checked_format(format)
    arguments.checked_signature(signature, name)
    final = pathlib.Path(filepath)
    require(
        name != "onnx" or final.suffix == ".onnx",
        "`filepath` must end in `.onnx` for one ONNX file. Received: "
        f"filepath={os.fspath(filepath)!r}. Pass e.g. "
        '`export("decode.onnx", format="onnx")`.',
    )
    version_directory.check_free(final)
    arguments.check_installed((name,))
    with version_directory.hidden_sibling(final) as hidden:
        chosen = (signature,) if name == "onnx" else SIGNATURES
        _write(model, hidden, (name,), chosen, ())
        written = hidden / onnx_path(signature) if name == "onnx" else hidden
        version_directory.publish(written, final)


class _Written(NamedTuple):
    vae: VAE
    reference: Reference
    report: Report


def _write(
    source: VAE | pathlib.Path,
    directory: pathlib.Path,
    formats: tuple[str, ...],
    signatures: tuple[str, ...],
    imports: tuple[str, ...],
) -> _Written:
    """Writes and proves files, by the one path of all backends."""
    import_modules(imports)
    with _staging() as staging:
        snapshot = staging / MODEL_FILE
        vae = open_snapshot(source, snapshot)
        modules = () if process.run_here() else modules_of(vae)
        reference = make_reference(vae)
        reference.save(staging / "reference.npz")
        report = process.run(
            Request(
                model=os.fspath(snapshot),
                reference=os.fspath(staging / "reference.npz"),
                directory=os.path.abspath(directory),
                formats=formats,
                signatures=signatures,
                imports=tuple(dict.fromkeys((*imports, *modules))),
            )
        )
    return _Written(vae, reference, report)


@contextlib.contextmanager
def _staging() -> Iterator[pathlib.Path]:
    with tempfile.TemporaryDirectory(prefix="keras-vae-export-") as folder:
        yield pathlib.Path(folder)
