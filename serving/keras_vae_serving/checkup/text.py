"""A checkup's report as text for a terminal."""

from collections.abc import Sequence

from keras_vae_serving.checkup.report import Report, VersionReport

_HEADER = ("Model", "Version", "This server", "TensorFlow", "Difference")


def render(report: Report) -> str:
    """Returns the report: a table, what is wrong, and the outcome."""
    lines = [_title(report), "", *_table(_rows(report))]
    problems, notes = report.all_problems(), report.all_notes()
    for title, texts in (("Problems", problems), ("Notes", notes)):
        if texts:
            lines += ["", title, *(f"  - {text}" for text in texts)]
    return "\n".join([*lines, "", _outcome(report, len(problems))])


def _title(report: Report) -> str:
    versions = [
        f"{name} {version}" if version else f"no {name}"
        for name, version in report.packages.items()
    ]
    return f"{report.directory}, on {', '.join(versions)}"


def _rows(report: Report) -> list[tuple[str, ...]]:
    return [
        (model.name, *_cells(one))
        for model in report.models
        for one in model.versions
    ]


def _cells(one: VersionReport) -> tuple[str, ...]:
    label = one.path.name if one.version is None else str(one.version)
    difference = one.max_difference
    return (
        label,
        _count(one.here),
        "not asked" if one.tensorflow is None else _count(one.tensorflow),
        "-" if difference is None else f"{difference:.1e}",
    )


def _count(signatures: Sequence[str]) -> str:
    plural = "" if len(signatures) == 1 else "s"
    return f"{len(signatures)} signature{plural} ran" if signatures else "-"


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    cells = [_HEADER, *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]


def _outcome(report: Report, num_problems: int) -> str:
    if num_problems:
        plural = "" if num_problems == 1 else "s"
        return f"{num_problems} problem{plural} found."
    if report.packages.get("tensorflow") is None:
        return (
            "It would load in this server. TensorFlow is not installed here: "
            "its half was not checked."
        )
    return "It would load."
