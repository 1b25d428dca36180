"""Which models a store serves: labels, reloads, and where they come from."""

import asyncio
import shutil
import time

import pytest

from keras_vae_serving.model_server import ModelSpec, VersionPolicy
from keras_vae_serving.status import Code, ServingError
from keras_vae_serving.store.model_store import ModelStore
from keras_vae_serving.store.sources import ConfigFile, ModelsDirectory
from tests.keras_vae_serving.store import fakes
from tests.keras_vae_serving.store.fakes import FakeLoader
from tests.keras_vae_serving.store.stores import (
    Given,
    config,
    content,
    eventually,
    newest,
    refused,
    running,
    settled,
    states,
)

pytestmark = pytest.mark.once

LATEST_TWO = VersionPolicy(latest=2)


def test_policies_and_labels(tmp_path):
    for number in (1, 2, 3):
        fakes.write(tmp_path / "m", number, f"{number}")
    labels = {"stable": 2, "canary": 3}
    given = config(tmp_path, policy=LATEST_TWO, labels=labels)
    with running(Given(given)) as store:
        assert states(store) == {3: "AVAILABLE", 2: "AVAILABLE"}
        assert content(store) == "3"
        assert content(store, label="stable") == "2"
        assert content(store, label="canary") == "3"


def test_labels_of_the_first_configuration_wait_for_their_versions(tmp_path):
    fakes.write(tmp_path / "m", 1)
    given = config(tmp_path, labels={"next": 2})
    with running(Given(given)) as store:
        message = "Servable not found for request: Specific(m, 2)"
        with refused(Code.NOT_FOUND, message):
            content(store, label="next")
        fakes.write(tmp_path / "m", 2, "2")
        eventually(lambda: newest(store) == 2)
        assert content(store, label="next") == "2"


NOT_LOADED = (
    "Request to assign label to version 3 of model m, which is not currently "
    "available for inference"
)


def test_labels_are_given_to_loaded_versions_alone(tmp_path):
    for number in (1, 2, 3):
        fakes.write(tmp_path / "m", number)
    both = config(tmp_path, policy=VersionPolicy(specific=(1, 2)))
    with running(Given(both)) as store:
        store.reload([both._replace(labels={"stable": 1})])
        assert content(store, label="stable")
        with refused(Code.FAILED_PRECONDITION, NOT_LOADED):
            store.reload([both._replace(labels={"stable": 3})])
        assert store.configs()[0].labels == {"stable": 1}
        store.reload([both._replace(labels={"stable": 2})])
        with store.acquire(ModelSpec("m", label="stable")) as servable:
            assert servable.version == 2


def test_labels_of_versions_that_are_not_loaded(tmp_path):
    fakes.write(tmp_path / "m", 1)
    allowed = {"allow_version_labels_for_unavailable_models": True}
    given = config(tmp_path, labels={"stable": 1})
    with running(Given(given), **allowed) as store:
        store.reload([given._replace(labels={"stable": 1, "next": 3})])
        message = "Servable not found for request: Specific(m, 3)"
        with refused(Code.NOT_FOUND, message):
            content(store, label="next")
        # A label that is in use is not moved away from a loaded version.
        with refused(Code.FAILED_PRECONDITION, NOT_LOADED):
            store.reload([given._replace(labels={"stable": 3})])


def test_reload_adds_and_drops_models(tmp_path):
    for name in ("a", "b", "c"):
        fakes.write(tmp_path / name, 1)
    a, b, c = (config(tmp_path, name) for name in "abc")
    loader = FakeLoader()
    with running(Given(a, b), loader) as store:
        with store.acquire(ModelSpec("b")) as kept:
            store.reload([b, c])
            message = "Servable not found for request: Latest(a)"
            with refused(Code.NOT_FOUND, message):
                newest(store, "a")
            settled(store)
            assert newest(store, "c") == 1
            assert not kept.is_closed
        eventually(lambda: states(store, "a") == {1: "END"})
        assert {one.name for one in loader.open} == {"b", "c"}
        assert len(loader.loaded) == 3, "b was not loaded again"
        store.reload([a])
        settled(store)
        assert newest(store, "a") == 1


def test_reload_that_is_refused_changes_nothing(tmp_path):
    fakes.write(tmp_path / "m", 1)
    with running(Given(config(tmp_path))) as store:
        with pytest.raises(ServingError, match="multiple times in config"):
            store.reload([config(tmp_path, "x"), config(tmp_path, "x")])
        assert newest(store) == 1


def test_reload_of_a_path_that_does_not_exist(tmp_path):
    fakes.write(tmp_path / "m", 1)
    with running(Given(config(tmp_path))) as store:
        elsewhere = config(tmp_path, base_path=str(tmp_path / "nothing"))
        store.reload([elsewhere])
        settled(store)
        assert newest(store) == 1


def test_reload_of_another_path(tmp_path):
    fakes.write(tmp_path / "m", 1, "here")
    fakes.write(tmp_path / "other", 1, "there")
    loader = FakeLoader()
    with running(Given(config(tmp_path)), loader) as store:
        store.reload([config(tmp_path, base_path=str(tmp_path / "other"))])
        settled(store)
        assert content(store) == "there"
        eventually(lambda: len(loader.open) == 1)


def test_a_models_directory(tmp_path):
    fakes.write(tmp_path / "a", 1)
    with running(ModelsDirectory(tmp_path, 0.02)) as store:
        assert newest(store, "a") == 1
        fakes.write(tmp_path / "b", 1)
        eventually(lambda: len(store.configs()) == 2)
        eventually(store.is_ready)
        assert newest(store, "b") == 1
        shutil.rmtree(tmp_path / "a")
        time.sleep(0.1)
        assert newest(store, "a") == 1


def test_an_empty_models_directory_is_not_ready(tmp_path):
    with running(ModelsDirectory(tmp_path, 0.02)) as store:
        assert not store.is_ready()
        fakes.write(tmp_path / "a", 1)
        eventually(store.is_ready)


def test_models_given_by_hand_end_the_search_for_others(tmp_path):
    fakes.write(tmp_path / "a", 1)
    fakes.write(tmp_path / "b", 1)
    with running(ModelsDirectory(tmp_path, 0.02)) as store:
        store.reload([config(tmp_path, "a")])
        fakes.write(tmp_path / "c", 1)
        time.sleep(0.1)
        assert [one.name for one in store.configs()] == ["a"]


def write_config(path, *names):
    models = "".join(
        f'config {{ name: "{name}" base_path: "{name}" }}' for name in names
    )
    new = path.with_suffix(".new")
    new.write_text(f"model_config_list {{ {models} }}")
    new.rename(path)


def test_a_configuration_file_is_read_again(tmp_path, caplog):
    for name in ("a", "b"):
        fakes.write(tmp_path / name, 1)
    path = tmp_path / "models.config"
    write_config(path, "a")
    with running(ConfigFile(path, 0.02)) as store:
        assert newest(store, "a") == 1
        path.write_text("model_config_list { config { nme: 'a' } }")
        eventually(lambda: "What is served stays as it is" in caplog.text)
        assert "Did you mean `name`" in caplog.text
        time.sleep(0.1)
        assert caplog.text.count("What is served stays as it is") == 1
        assert newest(store, "a") == 1
        write_config(path, "b")
        eventually(lambda: [one.name for one in store.configs()] == ["b"])
        eventually(store.is_ready)


def test_a_configuration_file_that_is_read_once(tmp_path):
    fakes.write(tmp_path / "a", 1)
    path = tmp_path / "models.config"
    write_config(path, "a")
    with running(ConfigFile(path)) as store:
        write_config(path, "b")
        time.sleep(0.1)
        assert [one.name for one in store.configs()] == ["a"]


def test_a_configuration_that_is_wrong_does_not_start(tmp_path):
    path = tmp_path / "models.config"
    path.write_text("x")
    store = ModelStore(ConfigFile(path), load=FakeLoader())
    with pytest.raises(ServingError, match="ModelServerConfig has no field"):
        asyncio.run(store.start())
    asyncio.run(store.stop())


def test_without_a_source_reload_alone_gives_models(tmp_path):
    fakes.write(tmp_path / "m", 1)
    with running(None) as store:
        assert not store.is_ready()
        store.reload([config(tmp_path)])
        settled(store)
        assert newest(store) == 1
