"""The benchmark of transposed convolutions: it compares, prints and keeps."""

import importlib.util
import json
import pathlib
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
FIGURES = ROOT / "examples" / "figures"


@pytest.fixture
def benchmark(tmp_path, monkeypatch):
    name = "transposed_convolution"
    path = ROOT / "examples" / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{name}_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FIGURES", tmp_path)
    monkeypatch.setattr(module, "SIZES", ((2, 3, 2, 3, 4),))
    return module


def test_every_compiler_gets_its_table(
    benchmark, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(sys, "argv", ["transposed.py", "--turns", "1"])
    benchmark.main()
    reports = json.loads((tmp_path / "transposed_convolution.json").read_text())
    assert {name.partition("_")[0] for name in reports} == {benchmark.BACKEND}
    printed = capsys.readouterr().out.split("\n")
    for name, report in reports.items():
        assert report["device"] in ("cpu", "gpu", "cuda", "mps")
        (row,) = report["rows"]
        assert row["size"] == [2, 3, 2, 3, 4]
        for one in benchmark.PASSES:
            assert set(row[one]) == {"direct", "subpixel", "speedup"}
        head, line = (printed[printed.index(name) + n] for n in (1, 3))
        assert line.startswith("| 2 | 3x3x2 | 8x8x3 | 4 | ")
        assert head.count("|") == line.count("|")


@pytest.mark.once
def test_methods_that_differ_are_not_timed(benchmark):
    x = np.ones((1, 2, 2, 1), "float32")
    ways = {
        "direct": {"forward": lambda x: x, "step": lambda x: [x]},
        "subpixel": {"forward": lambda x: x, "step": lambda x: [1.1 * x]},
    }
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        benchmark.check_equal(ways, x)


@pytest.mark.once
def test_the_ratio_is_the_median_of_the_turns(benchmark):
    times = {"direct": [2.0, 9.0, 4.0], "subpixel": [1.0, 1.0, 4.0]}
    expected = {"direct": 4.0, "subpixel": 1.0, "speedup": 2.0}
    assert benchmark.summary(times) == expected


@pytest.mark.once
def test_the_figures_that_were_kept():
    path = FIGURES / "transposed_convolution.json"
    reports = json.loads(path.read_text())
    names = {"jax", "tensorflow_graph", "tensorflow_xla", "torch"}
    assert set(reports) == names
    # What `method="auto"` takes on a CPU must be what was faster there.
    for name, report in reports.items():
        assert report["device"] == "cpu"
        for row in report["rows"]:
            if row["size"][-1] == 3 and name != "tensorflow_xla":
                assert (row["step"]["speedup"] > 1) == (name == "jax")
