import pathlib
import sys

import keras
import pytest

from keras_vae_export import ExportError, source


@pytest.fixture
def run_directory(make_kind, tmp_path):
    folder = tmp_path / "digits"
    folder.mkdir()
    make_kind().save(folder / "model.keras")
    return folder


def test_a_run_directory_and_its_file(run_directory, make_kind, tmp_path):
    other = tmp_path / "best.keras"
    other.touch()
    vae = make_kind(name="mine")
    assert source.check_source(vae) is vae
    for given, path, name in [
        (run_directory, run_directory / "model.keras", "digits"),
        (str(run_directory), run_directory / "model.keras", "digits"),
        (
            run_directory / "model.keras",
            run_directory / "model.keras",
            "digits",
        ),
        (other, other, "best"),
    ]:
        assert source.check_source(given) == path
        assert source.default_name(path) == name
    assert source.default_name(vae) == "mine"


def test_the_name_of_the_working_directory(run_directory, monkeypatch):
    monkeypatch.chdir(run_directory)
    assert source.default_name(source.check_source(".")) == "digits"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("missing", "which is missing"),
        ("missing.keras", "which is missing"),
        ("empty", "a directory without model.keras"),
        ("file.txt", "no `.keras` file"),
    ],
)
def test_no_model_at_the_path(given, problem, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").touch()
    message = f"`run_or_model` must be a VAE, .*{given}', {problem}"
    with pytest.raises(FileNotFoundError, match=message):
        source.check_source(tmp_path / given)


@pytest.mark.parametrize("given", [None, 3, b"runs/digits", ["runs/digits"]])
def test_no_model_at_all(given):
    with pytest.raises(TypeError, match="`run_or_model` must be a VAE"):
        source.check_source(given)


def test_another_keras_model(tmp_path):
    x = keras.Input((2,))
    model = keras.Model(x, keras.layers.Dense(1)(x))
    with pytest.raises(TypeError, match="of type Functional"):
        source.check_source(model)
    model.save(tmp_path / "m.keras")
    message = "Received: a file with a Functional"
    with pytest.raises(TypeError, match=message):
        source.open_snapshot(tmp_path / "m.keras", tmp_path / "copy.keras")


def test_a_broken_file(tmp_path):
    (tmp_path / "m.keras").write_text("no archive")
    message = "The model in .*m.keras' could not be loaded: .* zip archive"
    with pytest.raises(ExportError, match=message):
        source.open_snapshot(tmp_path / "m.keras", tmp_path / "copy.keras")


def test_a_snapshot_is_a_copy(run_directory, tmp_path):
    file = run_directory / "model.keras"
    vae = source.open_snapshot(file, tmp_path / "copy.keras")
    assert (tmp_path / "copy.keras").read_bytes() == file.read_bytes()
    assert vae.latent_dim == 3


def test_a_model_that_cannot_be_saved(make_kind, tmp_path):
    missing = tmp_path / "missing" / "copy.keras"
    with pytest.raises(ExportError, match="'tiny' could not be saved"):
        source.open_snapshot(make_kind(), missing)


def test_a_lambda_is_not_run(make_kind, tmp_path):
    z = keras.Input((3,))
    decoder = keras.Model(z, keras.layers.Lambda(lambda z: 2 * z)(z))
    make_kind(decoder=decoder).save(tmp_path / "m.keras")
    with pytest.raises(
        ExportError, match="^It could not be loaded: .*[Ll]ambda"
    ):
        source.load_vae(tmp_path / "m.keras", "It")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "'user_module_a', .* ModuleNotFoundError: .* PYTHONPATH"),
        ("1 / 0", "'user_module_a', .* ZeroDivisionError: division by zero."),
    ],
)
def test_a_module_that_cannot_be_imported(
    content, message, tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(str(tmp_path))
    if content:
        pathlib.Path(tmp_path / "user_module_a.py").write_text(content)
    with pytest.raises(ExportError, match=message):
        source.import_modules(["user_module_a"])
    assert "user_module_a" not in sys.modules
