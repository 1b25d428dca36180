import datetime
import hashlib
import json
import math
import signal

import keras
import numpy as np
import pytest

from keras_vae import likelihoods
from keras_vae.cli import training
from keras_vae.cli.progress import TrainingProgress
from keras_vae.cli.run_directory import RunDirectory

FILES = {
    "model.keras",
    "metrics.jsonl",
    "config.json",
    "samples.png",
    "latents.png",
    "curves.png",
}
EVALUATIONS = "evaluations.jsonl"
TERMS = ["loss", "elbo", "log_likelihood", "kl"]


def test_a_run_directory_is_whole(trained):
    assert {path.name for path in trained.iterdir()} == {*FILES, EVALUATIONS}
    for name in ("samples", "latents", "curves"):
        head = (trained / f"{name}.png").read_bytes()[:8]
        assert head == b"\x89PNG\r\n\x1a\n"


def test_metrics_have_a_line_an_epoch(trained):
    lines = (trained / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["epoch"] for row in rows] == [1, 2]
    names = ["epoch", *TERMS, *(f"val_{n}" for n in TERMS), "seconds"]
    for row in rows:
        assert list(row) == names
        assert row["elbo"] == pytest.approx(
            row["log_likelihood"] - row["kl"], abs=1e-4
        )


def test_the_config_tells_what_was_done(trained, npz):
    config = json.loads((trained / "config.json").read_text())
    expected = {
        "backend": keras.backend.backend(),
        "seed": 0,
        "dataset": str(npz),
        "splits": {"train": "train", "test": "test"},
        "binarization": {
            "train": "dynamic",
            "test": "static",
            "static_seed": 0,
        },
        "num_examples": {"train": 24, "test": 12},
        "event_shape": [4, 4, 1],
        "num_dims": 16,
        "latent_dim": 2,
        "optimizer": "Adam",
    }
    assert expected.items() <= config.items()
    assert config["versions"]["keras"] == keras.__version__
    assert config["versions"][keras.backend.backend()]
    assert config["arguments"]["batch_size"] == 8
    began = datetime.datetime.fromisoformat(config["date"])
    assert began.utcoffset() == datetime.timedelta(0)


def test_the_test_figures_are_kept(trained):
    row = json.loads((trained / EVALUATIONS).read_text().splitlines()[0])
    model = (trained / "model.keras").read_bytes()
    expected = {
        "command": "train",
        "model_sha256": hashlib.sha256(model).hexdigest(),
        "split": "test",
        "limit": None,
        "num_examples": 12,
    }
    assert expected.items() <= row.items()
    assert row["elbo"] == pytest.approx(row["log_likelihood"] - row["kl"])


def test_json_is_all_that_stands_on_stdout(call, train_arguments, tmp_path):
    called = call(*train_arguments, "--json", "--limit=8")
    assert called.code == 0
    report = called.json
    assert report["run"] == str(tmp_path / "run")
    assert report["epochs"] == 2
    assert not report["interrupted"]
    test = report["test"]
    assert test["num_examples"] == 8
    assert test["elbo"] == pytest.approx(test["log_likelihood"] - test["kl"])
    bits = -test["elbo"] / (math.log(2) * 16)
    assert test["bits_per_dim"] == pytest.approx(bits)
    assert "epoch 2/2" in called.err
    assert "8 examples" in called.err


# Options, and what the report says of them.
VARIANTS = [
    (
        ["--allow-grey", "--split=train", "--test-split=test"],
        "cross-entropy on grey levels, not a likelihood",
        "none",
        "not binarised",
    ),
    (
        [
            "--likelihood=normal",
            "--kl=monte_carlo",
            "--steps-per-execution=2",
            "--num-samples=2",
        ],
        "log-density of intensities in [0, 1]",
        "none",
        "not binarised",
    ),
    (
        [
            "--network=conv",
            "--filters=4",
            "--binarize=static",
            "--kl-warmup-steps=3",
            "--kl-weight=2",
        ],
        "log-likelihood",
        "static",
        "binarised once with seed 0",
    ),
    (
        [
            "--binarize=threshold",
            "--mixed-precision=bfloat16",
            "--image-size=3",
        ],
        "log-likelihood",
        "threshold",
        "binarised at one half",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("options", "kind", "mode", "words"), VARIANTS)
def test_variants(call, train_arguments, tmp_path, options, kind, mode, words):
    called = call(*train_arguments, *options)
    assert called.code == 0
    assert " nats" in called.out
    assert " bits/dim" in called.out
    assert f"  {kind} " in called.out
    assert f"split test, {words}" in called.out
    run = RunDirectory.open(tmp_path / "run")
    assert run.config()["binarization"]["train"] == mode
    vae = run.load_model()
    if "--likelihood=normal" in options:
        assert isinstance(vae.likelihood, likelihoods.Normal)
        assert vae.likelihood.scale == "shared"
        assert vae.objective.num_samples == 2
        assert vae.objective.kl == "monte_carlo"
    if "--network=conv" in options:
        assert vae.encoder.name == "conv_encoder"
        weight = vae.objective.kl_weight
        assert (weight.num_steps, weight.start, weight.end) == (3, 0.0, 2.0)
    if "--image-size=3" in options:
        assert vae.event_shape == (3, 3, 1)
        assert vae.dtype_policy.name == "mixed_bfloat16"


def test_parts_without_a_closed_kl_name_the_option(
    call, train_arguments, tmp_path, monkeypatch
):
    def no_closed_form(self, *arguments, **options):
        raise NotImplementedError("No closed form.")

    monkeypatch.setattr(training.VAE, "compute_elbo", no_closed_form)
    called = call(*train_arguments)
    assert called.code == 2
    assert called.err.endswith("On the command line: `--kl monte_carlo`.\n")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_seed_gives_the_same_run(call, train_arguments, tmp_path):
    def elbo(out):
        arguments = [*train_arguments, f"--out={out}", "--seed=3"]
        return call(*arguments, "--json").json["test"]["elbo"]

    first = elbo(tmp_path / "a")
    assert elbo(tmp_path / "b") == pytest.approx(first, rel=1e-5)


def interrupt(self, batch, logs=None):
    if self._epoch == 1:
        raise KeyboardInterrupt


def press_ctrl_c(self, batch, logs=None):
    if self._epoch == 1 and batch == 0:
        signal.raise_signal(signal.SIGINT)


@pytest.mark.slow
@pytest.mark.parametrize("callback", [interrupt, press_ctrl_c])
def test_ctrl_c_keeps_what_there_is(
    call, train_arguments, tmp_path, monkeypatch, callback
):
    monkeypatch.setattr(TrainingProgress, "on_train_batch_end", callback)
    handler = signal.getsignal(signal.SIGINT)
    called = call(*train_arguments, "--epochs=50", "--json")
    assert called.code == 130
    assert "Interrupted after 1 whole epochs" in called.err
    assert called.json["interrupted"]
    assert called.json["epochs"] == 1
    assert called.json["test"] is None
    assert signal.getsignal(signal.SIGINT) is handler
    assert {path.name for path in (tmp_path / "run").iterdir()} == FILES
    vae = RunDirectory.open(tmp_path / "run").load_model()
    # Stopped in the second epoch of three steps.
    assert int(vae.training_step.numpy()) == 4
    assert np.isfinite(vae.generate(2, seed=0)).all()


@pytest.mark.slow
@pytest.mark.parametrize("has_checkpoint", [True, False])
def test_ctrl_c_that_took_the_weights(
    call, train_arguments, tmp_path, monkeypatch, has_checkpoint
):
    """A second Ctrl-C in the middle of a step can leave nothing to save."""

    def lost(self, batch, logs=None):
        if self._epoch == int(has_checkpoint):
            monkeypatch.setattr(RunDirectory, "save_model", fail)
            raise KeyboardInterrupt

    def fail(self, vae):
        raise RuntimeError("Array has been deleted.")

    monkeypatch.setattr(TrainingProgress, "on_train_batch_end", lost)
    called = call(*train_arguments)
    assert called.code == 130
    found = {path.name for path in (tmp_path / "run").iterdir()}
    if has_checkpoint:
        assert found == FILES
    else:
        assert found == {"config.json"}
        assert "holds no model yet" in called.err


@pytest.mark.parametrize("split", ["--split=train", "--test-split=train"])
def test_splits_that_may_overlap_are_refused(
    call, tmp_path, split, train_arguments
):
    one_split = tmp_path / "one.npz"
    np.savez(one_split, x=np.zeros((10, 4, 4), "uint8"))
    called = call(*train_arguments, f"--dataset={one_split}", split)
    assert called.code == 2
    assert "--split train[:90%] --test-split train[90%:]" in called.err
    assert not (tmp_path / "run").exists()


def test_a_model_that_diverges_stops(
    call, train_arguments, tmp_path, monkeypatch
):
    def diverge(self, *arguments, **options):
        raise FloatingPointError("The last 20 steps had a non-finite kl.")

    monkeypatch.setattr(training.VAE, "fit", diverge)
    monkeypatch.setattr("keras_vae.cli.app.is_for_the_user", lambda e: True)
    called = call(*train_arguments)
    assert called.code == 2
    assert "non-finite kl" in called.err
    assert (tmp_path / "run" / "config.json").exists()
