"""`keras-vae export`."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Annotated, Any

from typer import Option

import keras_vae_export
from keras_vae.cli.options import Debug, Json, RunArgument
from keras_vae.cli.output import Output

FORMATS = ("tf_saved_model", "onnx")


@dataclasses.dataclass(frozen=True)
class Arguments:
    """What `keras-vae export` is asked to do; each field is an option."""

    run: RunArgument
    out: Annotated[
        pathlib.Path,
        Option(
            help="Where models lie: the export becomes OUT/NAME/VERSION, "
            "which TensorFlow Serving can poll.",
            metavar="DIRECTORY",
            show_default=False,
        ),
    ]
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
            help="tf_saved_model or onnx; may be repeated.",
            metavar="FORMAT",
            show_default="both",
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
    json: Json = False
    debug: Debug = False


def run(arguments: Arguments, output: Output) -> int:
    """Export a run's model as SavedModel and ONNX, and prove it.

    What was written is loaded in its own runtime and compared with the
    model; an export that differs is not published.

    Example: keras-vae export runs/digits --out models
    """
    options = {
        "formats": tuple(arguments.format or FORMATS),
        "name": arguments.name,
        "version": arguments.version,
        "imports": tuple(arguments.imports or ()),
    }
    version = export(arguments.run, arguments.out, output, **options)
    manifest = read_manifest(version)
    output.say(f"Exported: {version}")
    say_parity(manifest, output)
    output.result(
        {
            "run": str(arguments.run),
            "version_directory": str(version),
            "name": manifest["name"],
            "version": manifest["version"],
            "parity": manifest["parity"],
        }
    )
    return 0


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
