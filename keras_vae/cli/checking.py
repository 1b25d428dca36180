"""`keras-vae export --check`: a version directory, long after its export."""

import pathlib

import keras_vae_export
from keras_vae.cli.errors import FAILED
from keras_vae.cli.output import Output


def check(directory: pathlib.Path, output: Output) -> int:
    """Verifies a version directory and says what was found.

    Args:
        directory: What `keras-vae export` wrote.
        output: Where to say it.

    Returns:
        The exit code: 0 if nothing has changed.
    """
    with output.progress.status("Checking: hashes, then every file runs"):
        found = keras_vae_export.check(directory)
    for problem in found.problems:
        output.note(problem)
    if found.problems:
        count = len(found.problems)
        output.say(f"{directory} is not what was exported: {count} problem(s).")
    else:
        output.say(f"{directory} is what was exported. Largest differences:")
        _say_figures(found, output)
    output.result(
        {
            "version_directory": str(directory),
            "ok": not found.problems,
            **found._asdict(),
        }
    )
    return FAILED if found.problems else 0


def _say_figures(found: keras_vae_export.Verification, output: Output) -> None:
    rows = [("file", "runtime", "now", "at the export")]
    for file, runtimes in found.measured.items():
        before = found.recorded.get(file, {})
        for runtime, figure in runtimes.items():
            then = f"{before[runtime]:.1e}" if runtime in before else "-"
            rows.append((file, runtime, f"{figure:.1e}", then))
    output.table(rows)
    if found.png_levels is not None:
        output.say(f"PNG files differ by {found.png_levels} grey levels.")
