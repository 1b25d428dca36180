import pathlib
import re

import pytest

from keras_vae_serving import models_source
from keras_vae_serving.settings import ServerSettings
from keras_vae_serving.status import ServingError
from tests.keras_vae_serving.directories import write_version

pytestmark = pytest.mark.once


@pytest.fixture
def models(tmp_path):
    write_version(tmp_path / "digits", 3)
    return tmp_path


def names(directory, **options):
    source = models_source.find(ServerSettings(directory, **options))
    return [(one.name, one.base_path) for one in source.read()]


def test_every_model_of_a_directory(models):
    write_version(models / "letters")
    assert names(models) == [
        ("digits", str(models / "digits")),
        ("letters", str(models / "letters")),
    ]


@pytest.mark.parametrize("below", [".", "digits", "digits/3"])
def test_a_name_for_the_only_model(models, below):
    found = names(models / below, model_name="mnist")
    assert found == [("mnist", str(models / "digits"))]


def test_one_model_stays_the_only_one(models):
    source = models_source.find(ServerSettings(models, model_name="mnist"))
    write_version(models / "letters")
    assert [one.name for one in source.read()] == ["mnist"]
    assert source.gives_way and source.wait_seconds == 0


def test_new_models_are_found(models):
    source = models_source.find(ServerSettings(models))
    write_version(models / "letters")
    assert [one.name for one in source.read()] == ["digits", "letters"]


def test_several_models_have_no_one_name(models):
    write_version(models / "letters")
    message = "a directory of digits, letters. Serve one of them, e.g. "
    message += re.escape(repr(str(models / "digits")))
    with pytest.raises(ValueError, match=message):
        names(models, model_name="mnist")


def test_no_models(tmp_path):
    with pytest.raises(FileNotFoundError, match="which is no directory. Make"):
        names(tmp_path / "nothing")
    (tmp_path / "digits" / "1").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="which holds none. Make one"):
        names(tmp_path)


def test_a_file_of_models(tmp_path):
    path = tmp_path / "models.config"
    path.write_text(
        'model_config_list { config { name: "a" base_path: "/b" } }'
    )
    assert names(None, models_config_file=path) == [("a", "/b")]
    path.write_text("model")
    with pytest.raises(ServingError, match=re.escape(str(path))):
        names(None, models_config_file=pathlib.Path(path))
