import datetime
import hashlib
import json
import math
import shutil

import keras
import pytest

import keras_vae


def test_figures(call, trained):
    report = call("evaluate", trained, "--json").json
    expected = {
        "run": str(trained),
        "split": "test",
        "binarization": "static",
        "binarization_seed": 0,
        "num_examples": 12,
        "num_dims": 16,
        "seed": 0,
        "kind": "log-likelihood",
    }
    assert expected.items() <= report.items()
    assert report["elbo"] == pytest.approx(
        report["log_likelihood"] - report["kl"]
    )
    bits = -report["elbo"] / (math.log(2) * 16)
    assert report["bits_per_dim"] == pytest.approx(bits)
    assert "marginal_log_likelihood" not in report
    last = json.loads((trained / "metrics.jsonl").read_text().splitlines()[-1])
    # The KL has no noise.
    assert report["kl"] == pytest.approx(last["val_kl"], rel=1e-4)


@pytest.mark.slow
def test_figures_are_those_of_training(call, train_arguments, tmp_path):
    report = call(*train_arguments, "--json").json
    again = call("evaluate", tmp_path / "run", "--json").json
    for name in ("elbo", "log_likelihood", "kl", "bits_per_dim"):
        assert again[name] == pytest.approx(report["test"][name], rel=1e-5)


def test_importance_samples_are_stated(call, trained):
    arguments = ("evaluate", trained, "--importance-samples=200")
    report = call(*arguments, "--json").json
    assert report["importance_samples"] == 200
    assert report["marginal_log_likelihood"] > report["elbo"]
    called = call(*arguments)
    assert "log p(x), 200 importance samples" in called.out
    assert "split test, binarised once with seed 0" in called.out
    assert "12 examples" in called.out


def test_split_limit_and_seed(call, trained):
    def elbo(*options):
        return call("evaluate", trained, "--json", *options).json

    train = elbo("--split=train", "--limit=5")
    assert (train["split"], train["num_examples"]) == ("train", 5)
    assert elbo("--seed=1")["elbo"] == elbo("--seed=1")["elbo"]
    assert elbo("--seed=1")["elbo"] != elbo()["elbo"]


@pytest.mark.parametrize("spoilt", ["", "{}", "[]"])
def test_a_spoilt_config_is_told(call, trained, tmp_path, spoilt):
    copy = shutil.copytree(trained, tmp_path / "copy")
    (copy / "config.json").write_text(spoilt)
    called = call("evaluate", copy)
    assert called.code == 2
    assert "must be what `keras-vae train` wrote" in called.err


def test_figures_are_kept(call, trained, tmp_path):
    copy = shutil.copytree(trained, tmp_path / "copy")
    options = ["--importance-samples=3", "--limit=5", "--seed=2", "--json"]
    report = call("evaluate", copy, *options).json
    lines = (copy / "evaluations.jsonl").read_text().splitlines()
    row = json.loads(lines[-1])
    assert {**row, "run": str(copy)}.items() >= report.items()
    model = (copy / "model.keras").read_bytes()
    expected = {
        "command": "evaluate",
        "model_sha256": hashlib.sha256(model).hexdigest(),
        "dataset": json.loads((copy / "config.json").read_text())["dataset"],
        "split": "test",
        "limit": 5,
        "binarization": "static",
        "binarization_seed": 0,
        "num_examples": 5,
        "seed": 2,
        "importance_samples": 3,
        "keras_vae": keras_vae.__version__,
        "backend": keras.backend.backend(),
    }
    assert expected.items() <= row.items()
    assert row["versions"]["keras"] == keras.__version__
    assert datetime.datetime.fromisoformat(row["date"]).tzinfo


def test_a_run_that_cannot_be_written_is_evaluated(call, trained, tmp_path):
    copy = shutil.copytree(trained, tmp_path / "copy")
    (copy / "evaluations.jsonl").unlink()
    (copy / "evaluations.jsonl").mkdir()
    called = call("evaluate", copy)
    assert called.code == 0
    assert "ELBO" in called.out
    assert "were not added to" in called.err
    assert "a model card will not name them" in called.err


def test_a_spoilt_model_is_told(call, trained, tmp_path):
    copy = shutil.copytree(trained, tmp_path / "copy")
    (copy / "model.keras").write_bytes(b"PK nothing")
    called = call("evaluate", copy)
    assert called.code == 2
    assert called.err.count("\n") == 1
    assert "must be a zip archive that is whole" in called.err


def test_data_that_are_gone_are_told(call, trained, tmp_path):
    copy = shutil.copytree(trained, tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    config["dataset"] = str(tmp_path / "gone.npz")
    (copy / "config.json").write_text(json.dumps(config))
    called = call("evaluate", copy)
    assert called.code == 2
    assert "gone.npz" in called.err
