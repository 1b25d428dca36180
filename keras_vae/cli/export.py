"""`keras-vae export`."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Annotated, Any, cast

from typer import Argument, Option

import keras_vae_export
from keras_vae.cli import checking
from keras_vae.cli.options import Debug, Json
from keras_vae.cli.output import Output
from keras_vae.cli.variants import say_variants
from keras_vae.validation import require
from keras_vae_export.signatures import NO_SEEDS
from keras_vae_export.variants import MAX_DIFFERENCE

FORMATS = ("tf_saved_model", "onnx")


@dataclasses.dataclass(frozen=True)
class Arguments:
    """What `keras-vae export` is asked to do; each field is an option."""

    run: Annotated[
        pathlib.Path | None,
        Argument(
            metavar="RUN",
            help="A run directory that `keras-vae train` wrote.",
            show_default=False,
        ),
    ] = None
    out: Annotated[
        pathlib.Path | None,
        Option(
            help="Where models lie: the export becomes OUT/NAME/VERSION, "
            "which TensorFlow Serving can poll.",
            metavar="DIRECTORY",
            show_default=False,
        ),
    ] = None
    check: Annotated[
        pathlib.Path | None,
        Option(
            help="Export nothing: verify every hash and every figure of this "
            "version directory. The exit code is 1 if something has changed.",
            metavar="VERSION_DIRECTORY",
            show_default=False,
        ),
    ] = None
    name: Annotated[
        str | None,
        Option(help="The model's name.", show_default="the run's name"),
    ] = None
    version: Annotated[
        int | None,
        Option(
            help="The model's version.",
            min=1,
            show_default="one above the highest there",
        ),
    ] = None
    format: Annotated[
        list[str] | None,
        Option(
            help="tf_saved_model, onnx, litert (decode alone) or openvino "
            "(what takes no seed); may be repeated.",
            metavar="FORMAT",
            show_default="the first two",
        ),
    ] = None
    imports: Annotated[
        list[str] | None,
        Option(
            "--import",
            help="A module that registers your own layers; may be repeated.",
            metavar="MODULE",
            show_default="none",
        ),
    ] = None
    variant: Annotated[
        list[str] | None,
        Option(
            help="A further form of the ONNX files: folded, float16 or int8; "
            "may be repeated. Each is measured beside the float32 file.",
            metavar="VARIANT",
            show_default="none",
        ),
    ] = None
    max_difference: Annotated[
        float,
        Option(
            help="The largest difference of float16 and int8 from the float32 "
            "file, in relation to an output's largest value where that is "
            "above 1; what differs more is not published.",
        ),
    ] = MAX_DIFFERENCE
    json: Json = False
    debug: Debug = False


def run(arguments: Arguments, output: Output) -> int:
    """Export a run's model as SavedModel and ONNX or more, and prove it.

    What was written is loaded in its own runtime and compared with the
    model; an export that differs is not published.

    Example: keras-vae export runs/digits --out models
    """
    if arguments.check is not None:
        return checking.check(_alone(arguments), output)
    if arguments.run is None or arguments.out is None:
        raise ValueError(
            "`RUN` and `--out` must be given, or `--check` alone. Received: "
            f"RUN={arguments.run}, --out={arguments.out}. Call e.g. "
            "`keras-vae export runs/digits --out models`."
        )
    options = {
        "formats": tuple(arguments.format or FORMATS),
        "name": arguments.name,
        "version": arguments.version,
        "imports": tuple(arguments.imports or ()),
        "variants": tuple(arguments.variant or ()),
        "max_difference": arguments.max_difference,
    }
    version = export(arguments.run, arguments.out, output, **options)
    manifest = read_manifest(version)
    output.say(f"Exported: {version}")
    say_parity(manifest, output)
    say_variants(manifest, output)
    _say_left_out(manifest, output)
    output.result(
        {
            "run": str(arguments.run),
            "version_directory": str(version),
            "name": manifest["name"],
            "version": manifest["version"],
            "parity": manifest["parity"],
            "variants": manifest.get("variants", {}),
        }
    )
    return 0


def _alone(arguments: Arguments) -> pathlib.Path:
    """Returns the directory of `--check`, which goes with no other option.

    Raises:
        ValueError: if there is one.
    """
    common = ("check", "json", "debug")
    others = [
        field.name
        for field in dataclasses.fields(arguments)
        if field.name not in common
        and getattr(arguments, field.name) != field.default
    ]
    require(
        not others,
        "`--check` must stand alone: it exports nothing. Received: also "
        f"{', '.join(others)}. Call e.g. `keras-vae export --check "
        f"{arguments.check}`.",
    )
    return cast(pathlib.Path, arguments.check)


def export(
    run: pathlib.Path, out: pathlib.Path, output: Output, **options: Any
) -> pathlib.Path:
    """Exports a run, shows that work goes on, returns the version directory."""
    with output.progress.status("Exporting: TensorFlow writes and proves it"):
        return keras_vae_export.export(run, out, **options)


def read_manifest(version: pathlib.Path) -> dict[str, Any]:
    """Returns a version directory's `manifest.json`."""
    text = (version / "manifest.json").read_text(encoding="utf-8")
    return json.loads(text)


def say_parity(manifest: Mapping[str, Any], output: Output) -> None:
    """Prints how far each file differs from the model."""
    parity = manifest["parity"]
    output.say(
        "Compared with the model, largest difference of a value "
        f"(limit {parity['tolerance']:.1e}, relative where values are above "
        "1):"
    )
    output.table(
        [
            (file, f"{difference:.1e}", f"in {runtime}")
            for file, runtimes in parity["files"].items()
            for runtime, difference in runtimes.items()
        ]
    )


def _say_left_out(manifest: Mapping[str, Any], output: Output) -> None:
    """Prints which signatures a format without seeded ones has, and why."""
    for format, reason in NO_SEEDS.items():
        held = [
            name
            for name, one in manifest["signatures"].items()
            if format in one["files"]
        ]
        if held:
            output.say(
                f"{format}: {', '.join(held)}; the seeded signatures are left "
                f"out because {reason}."
            )
