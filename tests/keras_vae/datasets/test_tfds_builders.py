import logging
import pathlib
import types

import pytest

from keras_vae.datasets import load, tfds_builders

pytestmark = pytest.mark.once


@pytest.fixture
def read_only(tmp_path):
    folder = tmp_path / "read_only"
    folder.mkdir()
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("mnits", r"name='mnits'. Did you mean 'mnist'"),
        ("digit", r"Did you mean 'digits'"),
        ("fashion-mnist", r"Did you mean 'fashion_mnist'"),
        ("no_such_thing_at_all", "folder of images or `.npz` file"),
        ("photos/holiday", "folder of images or `.npz` file"),
        ("elsewhere:mnist", "`name` must be `digits`, `patches`, a dataset of"),
        ("mnist:9.9.9", "a version and a configuration .*only: 3.0.1"),
        ("mnist/inverted", "a version and a configuration"),
    ],
)
def test_unknown_datasets_are_refused(tmp_path, name, match):
    with pytest.raises(ValueError, match=match):
        load(name, "train", data_dir=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_of_the_name_is_pointed_out(tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match='To read the folder, pass "./photos"'):
        load("photos", "train")


def test_nothing_is_written_to_a_read_only_folder(read_only):
    with pytest.raises(ValueError, match="`data_dir` must hold 'mnist'"):
        load("mnist", "train", data_dir=read_only)
    assert not list(read_only.iterdir())


def test_what_can_be_written_to(tmp_path, read_only):
    assert tfds_builders.is_writable(tmp_path)
    assert tfds_builders.is_writable(tmp_path / "not" / "yet")
    assert not tfds_builders.is_writable(read_only)
    assert not tfds_builders.is_writable(read_only / "not" / "yet")
    assert tfds_builders.is_writable("gs://bucket/folder")


def test_digits_go_to_a_folder_that_can_be_written_to(
    tmp_path, read_only, monkeypatch, caplog
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    given = str(tmp_path / "given")
    with caplog.at_level(logging.WARNING):
        assert tfds_builders.generated_dir("digits", given) == given
        assert (
            tfds_builders.generated_dir("digits", "gs://bucket")
            == "gs://bucket"
        )
        assert not caplog.records
        cache = str(tmp_path / "cache" / "keras_vae" / "datasets")
        assert tfds_builders.generated_dir("digits", str(read_only)) == cache
    assert str(read_only) in caplog.text and cache in caplog.text


def test_digits_are_read_where_they_are(digits_dir, monkeypatch):
    monkeypatch.setattr(tfds_builders, "is_writable", lambda path: False)
    given = str(digits_dir)
    assert tfds_builders.generated_dir("digits", given) == given
    assert load("digits", "test", data_dir=digits_dir).shape == (360, 8, 8, 1)


class FakeBuilder:
    """A builder that another process overtakes, or whose disk is full."""

    name = "digits"
    info = types.SimpleNamespace(full_name="digits/1.0.0")

    def __init__(self, root, is_overtaken):
        self.data_path = pathlib.Path(root) / "digits" / "1.0.0"
        self.is_overtaken = is_overtaken

    def download_and_prepare(self):
        print("a line for the standard output")
        if self.is_overtaken:
            self.data_path.mkdir(parents=True)
            (self.data_path / "dataset_info.json").write_text("{}")
        raise OSError("folder not empty")


def test_two_processes_may_prepare_a_dataset_at_once(tmp_path, capsys):
    def build(name, data_dir):
        return name, data_dir

    tfds = types.SimpleNamespace(builder=build)
    builder = FakeBuilder(tmp_path, is_overtaken=True)
    found = tfds_builders.prepare(tfds, builder)
    assert found == ("digits/1.0.0", str(tmp_path))
    assert capsys.readouterr().out == ""


def test_other_failures_of_the_disk_are_passed_on(tmp_path):
    builder = FakeBuilder(tmp_path, is_overtaken=False)
    with pytest.raises(OSError, match="folder not empty"):
        tfds_builders.prepare(types.SimpleNamespace(), builder)
