"""The export of a VAE: what users call."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from keras_vae import VAE
from keras_vae.validation import require
from keras_vae_export import (
    arguments,
    manifest,
    model_card,
    process,
    run_records,
    version_directory,
)
from keras_vae_export.custom_classes import modules_of
from keras_vae_export.reference import (
    REFERENCE_FILE,
    Reference,
    make_reference,
)
from keras_vae_export.requests import Report, Request
from keras_vae_export.signatures import (
    FORMATS,
    SIGNATURES,
    SUFFIXES,
    parts_at,
    path_of,
)
from keras_vae_export.source import (
    MODEL_FILE,
    check_source,
    default_name,
    import_modules,
    open_snapshot,
)
from keras_vae_export.variants import MAX_DIFFERENCE


def export(
    run_or_model: Any,
    directory: str | os.PathLike,
    formats: Iterable[str] = FORMATS,
    *,
    name: str | None = None,
    version: int | None = None,
    imports: Iterable[str] = (),
    variants: Iterable[str] = (),
    max_difference: float = MAX_DIFFERENCE,
) -> pathlib.Path:
    """Writes a version directory, which TensorFlow Serving can poll.

    Every file is run in its own runtime and compared with the live model
    first; the directory then appears whole, or not at all.

    Args:
        run_or_model: A VAE, a run directory, or the path of a `.keras` file.
        directory: Path: what is written is `directory/name/version`.
        formats: Some of `"tf_saved_model"`, `"onnx"`, `"litert"` (`decode`
            alone) and `"openvino"` (the signatures that take no seed).
        name: String. Defaults to the run's, the file's or the model's name.
        version: Positive integer. Defaults to 1 + the largest that exists.
        imports: Full names of modules that register classes of your own, for
            a model from a file. A VAE in memory names its modules itself.
        variants: Some of `"folded"`, `"float16"` and `"int8"`: further forms
            of the ONNX files.
        max_difference: Positive float, the largest difference of a variant
            from the float32 file, relative to values above 1.

    Returns:
        Path of the version directory. It holds `manifest.json`,
        `MODEL_CARD.md` and, by format, the files of the signatures.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if an argument is not as described.
        ImportError: if a library of the extra `export` (for LiteRT and
            OpenVINO `runtimes`) is missing.
        FileNotFoundError: if there is no model at a path.
        FileExistsError: if the version exists.
        OSError: if the directory cannot be written.
        ParityError: if a file does not compute what the model computes.
        ExportError: if the model cannot be exported for another reason.
    """
    source = check_source(run_or_model)
    chosen_formats = arguments.checked_formats(formats)
    chosen = _Chosen(
        chosen_formats,
        SIGNATURES,
        arguments.checked_imports(imports),
        arguments.checked_variants(variants, chosen_formats),
        arguments.checked_max_difference(max_difference),
    )
    given = default_name(source) if name is None else name
    final = _new_version(pathlib.Path(directory), given, version)
    return _write_version(source, final, chosen)


def _write_version(
    source: VAE | pathlib.Path, final: pathlib.Path, chosen: "_Chosen"
) -> pathlib.Path:
    arguments.check_installed(chosen.formats)
    arguments.check_modules("A version directory", ("jsonschema", "jinja2"))
    records = run_records.read(source)
    with version_directory.hidden_sibling(final) as hidden:
        done = _write(source, final.parent.name, hidden, chosen)
        done.reference.save(hidden / REFERENCE_FILE)
        content = manifest.build(final, hidden, chosen.formats, *done)
        model_card.write(hidden, content, done.vae, records)
        content["files"] |= manifest.file_hashes(hidden, model_card.FILE)
        manifest.write(hidden, content)
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
    """Writes one SavedModel or one file; `VAE.export` calls it.

    A SavedModel holds every signature, a file one of them. It is compared
    with the live model first, as in `export`, and appears whole or not at
    all; so does the `.bin` file of weights beside OpenVINO's `.xml`.

    Args:
        model: A VAE.
        filepath: Path: a directory for `"tf_saved_model"`, a file that ends
            in `.onnx` for `"onnx"`, `.tflite` for `"litert"`, `.xml` for
            `"openvino"`.
        format: `"tf_saved_model"`, `"onnx"`, `"litert"` or `"openvino"`.
        signature: The function of a file; `"decode"` for LiteRT, one that
            takes no seed for OpenVINO. Defaults to `"decode"`.

    Raises:
        TypeError: if `model` is no VAE.
        ValueError: if an argument is not as described.
        FileExistsError: if something stands at `filepath`.
        ImportError: if a library of the extra `export`, or for LiteRT and
            OpenVINO of the extra `runtimes`, is missing.
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
    suffix = SUFFIXES.get(name, "")
    require(
        not suffix or final.suffix == suffix,
        f"`filepath` must end in `{suffix}` for one file in {name!r}. "
        f"Received: filepath={os.fspath(filepath)!r}. Pass e.g. "
        f'`export("decode{suffix}", format="{name}")`.',
    )
    for path in parts_at(final, name):
        version_directory.check_free(path)
    arguments.check_installed((name,))
    with version_directory.hidden_sibling(final) as hidden:
        signatures = (signature,) if suffix else SIGNATURES
        _write(model, model.name, hidden, _Chosen((name,), signatures))
        written = hidden / path_of(signature, name) if suffix else hidden
        sources = parts_at(written, name)
        version_directory.publish_all(
            zip(sources, parts_at(final, name), strict=True)
        )


class _Chosen(NamedTuple):
    formats: tuple[str, ...]
    signatures: tuple[str, ...]
    imports: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    max_difference: float = MAX_DIFFERENCE


class _Written(NamedTuple):
    vae: VAE
    exact: bool  # the live model computes in full float32
    reference: Reference  # what the files were compared with
    report: Report


def _write(
    source: VAE | pathlib.Path,
    name: str,
    directory: pathlib.Path,
    chosen: _Chosen,
) -> _Written:
    """Writes and proves files, by the one path of all backends."""
    import_modules(chosen.imports)
    with _staging() as staging:
        snapshot = staging / MODEL_FILE
        vae = open_snapshot(source, snapshot)
        modules = () if process.run_here() else modules_of(vae)
        reference = make_reference(vae)
        reference_path = staging / "reference.npz"
        reference.save(reference_path)
        imports = tuple(dict.fromkeys((*chosen.imports, *modules)))
        report = process.run(
            Request(
                name=name,
                model=os.fspath(snapshot),
                reference=os.fspath(reference_path),
                directory=os.path.abspath(directory),
                **chosen._replace(imports=imports)._asdict(),
            )
        )
        proved = Reference.load(reference_path)
    return _Written(vae, reference.exact, proved, report)


@contextlib.contextmanager
def _staging() -> Iterator[pathlib.Path]:
    with tempfile.TemporaryDirectory(prefix="keras-vae-export-") as folder:
        try:
            yield pathlib.Path(folder)
        except OSError as error:
            if error.errno is None:  # It says what was wrong in words.
                raise
            raise type(error)(
                f"The temporary folder {folder!r} could not be written: "
                f"{error}. Make room there, or set TMPDIR to another folder."
            ) from error
