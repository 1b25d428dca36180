import os

import pytest

from keras_vae.cli.run_directory import RunDirectory

CONFIG = {"dataset": "digits", "splits": {"test": "test"}}


def test_create_writes_the_config_first(tmp_path):
    run = RunDirectory.create(tmp_path / "runs" / "a", CONFIG)
    assert run.config() == CONFIG
    assert os.listdir(run.path) == ["config.json"]
    assert run.metrics() == []


@pytest.mark.parametrize("kind", ["directory", "file", "broken link"])
def test_what_stands_there_is_refused(tmp_path, kind):
    path = tmp_path / "a"
    if kind == "directory":
        path.mkdir()
    elif kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError, match="`--out` must be a path where"):
        RunDirectory.create(path, CONFIG)


def test_a_file_cannot_hold_a_run(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(PermissionError, match="nothing can be written to"):
        RunDirectory.check_new(tmp_path / "file" / "run")


def test_models_are_replaced_whole(tmp_path, make_vae, monkeypatch):
    run = RunDirectory.create(tmp_path / "a", CONFIG)
    vae = make_vae()
    run.save_model(vae)
    before = run.model_path.read_bytes()

    def half(path):
        path.write_bytes(b"half")
        raise OSError("The disk is full.")

    monkeypatch.setattr(vae, "save", half)
    with pytest.raises(OSError, match="The disk is full"):
        run.save_model(vae)
    assert run.model_path.read_bytes() == before
    assert run.load_model().latent_dim == 2


def test_another_model_is_refused(tmp_path, make_vae):
    run = RunDirectory.create(tmp_path / "a", CONFIG)
    make_vae().decoder.save(run.model_path)
    with pytest.raises(ValueError, match="must be a keras_vae.VAE. Received"):
        run.load_model()


def test_a_run_without_a_model(tmp_path):
    run = RunDirectory.create(tmp_path / "a", CONFIG)
    with pytest.raises(FileNotFoundError, match="has no model.keras"):
        RunDirectory.open(run.path)


def test_metrics_are_lines(tmp_path):
    run = RunDirectory.create(tmp_path / "a", CONFIG)
    run.append_metrics({"epoch": 1, "elbo": float("nan")})
    run.append_metrics({"epoch": 2, "elbo": -3.5})
    assert run.metrics_path.read_text().count("\n") == 2
    assert run.metrics()[0] == {"epoch": 1, "elbo": None}
    assert run.metrics()[1] == {"epoch": 2, "elbo": -3.5}


def test_a_model_that_keras_cannot_load(trained, monkeypatch):
    def load_model(path):
        raise ValueError("A layer is from the future.\nIts config: ...")

    monkeypatch.setattr("keras.saving.load_model", load_model)
    message = (
        "model.keras must be a VAE that this version of keras-vae can load. "
        "Received: A layer is from the future. Train again"
    )
    with pytest.raises(ValueError, match=message):
        RunDirectory.open(trained).load_model()
