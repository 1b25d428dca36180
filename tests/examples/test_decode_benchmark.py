"""The benchmark of decoding: what it times, compares, prints and keeps."""

import importlib.util
import json
import pathlib
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).parents[2]
FIGURES = ROOT / "examples" / "figures"

pytestmark = pytest.mark.once


@pytest.fixture
def benchmark(tmp_path, monkeypatch):
    path = ROOT / "examples" / "benchmarks" / "decode.py"
    spec = importlib.util.spec_from_file_location("decode_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FIGURES", tmp_path)
    monkeypatch.setattr(module, "BLOCK_SECONDS", 0.01)
    return module


def test_ways_take_turns(benchmark):
    def slow(z):
        time.sleep(0.005)
        return 2 * z

    ways = {"predict": slow, "onnxruntime": lambda z: z + z}
    row = benchmark.measure(ways, 32, seconds=0.0)
    assert (row["batch_size"], row["turns"]) == (32, 3)
    assert 5.0 <= row["milliseconds"]["predict"]
    assert row["milliseconds"]["onnxruntime"] < 5.0
    assert row["speedup"] > 1.0


def test_ways_that_differ_are_not_timed(benchmark):
    ways = {"predict": lambda z: z, "onnxruntime": lambda z: z + 1e-3}
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        benchmark.measure(ways, 1, seconds=0.0)


def test_a_row_of_the_table(benchmark):
    times = {"predict": 12.3456, "call": 1.0, "onnxruntime": 0.05}
    row = {"batch_size": 1024, "milliseconds": times, "speedup": 246.9}
    line = benchmark.line("mlp", row)
    assert line == "| mlp | 1,024 | 12.346 | 1.000 |  | 0.050 | 246.9 |"
    assert {line.count("|")} == {
        head.count("|") for head in benchmark.head("jax").split("\n")
    }


def test_reports_of_other_backends_stay(benchmark, tmp_path):
    benchmark.keep({"backend": "torch", "cores": 2})
    benchmark.keep({"backend": "jax", "cores": 1})
    benchmark.keep({"backend": "torch", "cores": 8})
    reports = json.loads((tmp_path / "decode.json").read_text())
    assert [*reports] == ["jax", "torch"]
    assert reports["torch"]["cores"] == 8


@pytest.mark.slow
def test_onnxruntime_is_20_times_faster_than_predict(
    benchmark, tmp_path, monkeypatch, capsys
):
    options = ["--network=mlp", "--seconds=0.1", "--threads=1"]
    monkeypatch.setattr(sys, "argv", ["decode.py", *options])
    monkeypatch.setattr(benchmark, "BATCH_SIZES", (1,))
    benchmark.main()
    assert "| mlp | 1 | " in capsys.readouterr().out
    (report,) = json.loads((tmp_path / "decode.json").read_text()).values()
    (row, *_) = report["rows"]["mlp"]
    assert row["batch_size"] == 1
    assert set(row["milliseconds"]) == set(benchmark.WAYS)
    assert row["speedup"] >= 20.0


def test_the_figures_that_were_kept():
    reports = json.loads((FIGURES / "decode.json").read_text())
    assert set(reports) == {"tensorflow", "jax", "torch"}
    for backend, report in reports.items():
        assert set(report["rows"]) == {"mlp", "conv"}
        for network, rows in report["rows"].items():
            assert [row["batch_size"] for row in rows] == [1, 32, 1024]
            # JAX's `predict` costs only a millisecond more than the decoder,
            # and convolutions cost onnxruntime a third of that.
            if (backend, network) != ("jax", "conv"):
                assert rows[0]["speedup"] >= 20.0
