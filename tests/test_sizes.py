"""No file and no function of the three packages grows too long."""

import ast
import pathlib

import pytest

pytestmark = pytest.mark.once

ROOT = pathlib.Path(__file__).parents[1]
FILES = [
    path.relative_to(ROOT).as_posix()
    for folder in ("keras_vae", "export", "serving")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def size_problems(source):
    """Which limits of size a file exceeds."""
    found = []
    lines = len(source.splitlines())
    if lines > MAX_FILE_LINES:
        found.append(f"{lines} lines, more than {MAX_FILE_LINES}")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                found.append(
                    f"line {node.lineno}: `{node.name}` has {lines} lines, "
                    f"more than {MAX_FUNCTION_LINES}"
                )
    return found


@pytest.mark.parametrize("file", FILES)
def test_sizes(file):
    assert size_problems((ROOT / file).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\n" * 401, "401 lines, more than 400"),
        ("async def f():\n" + "  x = 1\n" * 60, "`f` has 61 lines"),
    ],
)
def test_sizes_are_measured(source, message):
    assert [message in one for one in size_problems(source)] == [True]
