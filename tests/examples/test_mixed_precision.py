"""The example of mixed precision: its table, its resuming, its figures."""

import importlib.util
import json
import pathlib
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
REPORT = ROOT / "examples" / "figures" / "mixed_precision.json"

pytestmark = pytest.mark.once


@pytest.fixture
def example(monkeypatch):
    """The example, which says what it would train."""
    path = ROOT / "examples" / "mixed_precision.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.trained = []

    def train_row(network, precision, x_train, x_test, options):
        module.trained.append((network, precision))
        elbo = {"float32": -100.0, "mixed_float16": -100.25}
        return {
            "network": network,
            "precision": precision,
            "test_elbo": elbo.get(precision, -101.5),
        }

    monkeypatch.setattr(module, "train_row", train_row)
    monkeypatch.setattr(module.datasets, "load", lambda *a, **k: np.zeros(1))
    return module


def run(example, folder, monkeypatch, *options):
    """Runs the example and returns what it trained."""
    example.trained.clear()
    monkeypatch.setattr(sys, "argv", ["", f"--figures={folder}", *options])
    example.main()
    return list(example.trained)


def test_rows_are_compared_with_float32(example, tmp_path, monkeypatch, capsys):
    trained = run(example, tmp_path, monkeypatch)
    assert [network for network, _ in trained] == ["mlp"] * 3 + ["conv"] * 3
    report = json.loads((tmp_path / "mixed_precision.json").read_text())
    rows = report["tensorflow"]["rows"]
    assert [row["difference"] for row in rows] == [0.0, -0.25, -1.5] * 2
    assert [row["within_1_nat"] for row in rows] == [True, True, False] * 2
    out = capsys.readouterr().out
    assert "| conv | mixed_bfloat16 | -101.50 | -1.50 |" in out


def test_a_run_that_was_cut_off_goes_on(example, tmp_path, monkeypatch):
    everything = run(example, tmp_path, monkeypatch)
    path = tmp_path / "mixed_precision.json"
    report = json.loads(path.read_text())
    whole = path.read_text()
    report["tensorflow"]["rows"] = report["tensorflow"]["rows"][:4]
    path.write_text(json.dumps({**report, "jax": {"rows": []}}))
    assert run(example, tmp_path, monkeypatch) == everything[4:]
    assert json.loads(path.read_text()) == {
        **json.loads(whole),
        "jax": {"rows": []},
    }
    assert run(example, tmp_path, monkeypatch) == []
    assert run(example, tmp_path, monkeypatch, "--epochs=1") == everything


def test_half_precision_is_within_a_nat_in_the_figures():
    report = json.loads(REPORT.read_text())
    for backend in ("tensorflow", "jax", "torch"):
        rows = report[backend]["rows"]
        assert len(rows) == 6
        base = {
            row["network"]: row["test_elbo"]
            for row in rows
            if row["precision"] == "float32"
        }
        for row in rows:
            difference = row["test_elbo"] - base[row["network"]]
            assert row["difference"] == pytest.approx(difference, abs=2e-3)
            assert row["nonfinite_steps"] == 0
            assert abs(difference) < 1.0
