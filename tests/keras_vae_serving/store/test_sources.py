import shutil

import pytest

from keras_vae_serving.model_server import ModelConfig, VersionPolicy
from keras_vae_serving.status import Code, ServingError
from keras_vae_serving.store.sources import ConfigFile, ModelsDirectory
from tests.keras_vae_serving.store import fakes

pytestmark = pytest.mark.once


def names(source):
    return [config.name for config in source.read()]


def test_every_model_of_a_directory(tmp_path):
    for name in ("digits", "faces", ".hidden", "with:colon"):
        fakes.write(tmp_path / name, 1)
    (tmp_path / "notes").mkdir()
    (tmp_path / "years" / "2024").mkdir(parents=True)
    (tmp_path / "file").write_text("x")
    found = ModelsDirectory(tmp_path).read()
    assert found == [
        ModelConfig("digits", str(tmp_path / "digits")),
        ModelConfig("faces", str(tmp_path / "faces")),
    ]


def test_models_that_appear_and_go(tmp_path):
    source = ModelsDirectory(tmp_path)
    assert names(source) == []
    fakes.write(tmp_path / "digits", 1)
    assert names(source) == ["digits"]
    fakes.write(tmp_path / "a", 1)
    shutil.rmtree(tmp_path / "digits")
    assert sorted(names(source)) == ["a", "digits"]


def test_the_directory_of_one_model(tmp_path):
    fakes.write(tmp_path / "digits", 1)
    fakes.write(tmp_path / "digits", 2)
    found = ModelsDirectory(tmp_path / "digits").read()
    assert found == [ModelConfig("digits", str(tmp_path / "digits"))]


def test_a_path_from_here(tmp_path, monkeypatch):
    fakes.write(tmp_path / "digits", 1)
    monkeypatch.chdir(tmp_path / "digits")
    assert names(ModelsDirectory(".")) == ["digits"]
    monkeypatch.chdir(tmp_path / "digits" / "1")
    assert names(ModelsDirectory(".")) == ["digits"]


def test_one_version(tmp_path):
    fakes.write(tmp_path / "digits", 1)
    fakes.write(tmp_path / "digits", 2)
    found = ModelsDirectory(tmp_path / "digits" / "1").read()
    policy = VersionPolicy(specific=(1,))
    expected = ModelConfig("digits", str(tmp_path / "digits"), policy)
    assert found == [expected]


def test_one_version_of_another_name(tmp_path):
    path = fakes.write(tmp_path / "digits", 1).rename(tmp_path / "best")
    assert ModelsDirectory(path).read() == [ModelConfig("best", str(path))]


@pytest.mark.parametrize("name", ["nothing", "file"])
def test_no_directory(tmp_path, name):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ServingError, match="keras-vae serve models") as caught:
        ModelsDirectory(tmp_path / name).read()
    assert caught.value.code is Code.NOT_FOUND


def test_a_configuration_file(tmp_path):
    path = tmp_path / "models.config"
    path.write_text(
        'model_config_list { config { name: "a" base_path: "/a" } }'
    )
    assert ConfigFile(path).read() == [ModelConfig("a", "/a")]
