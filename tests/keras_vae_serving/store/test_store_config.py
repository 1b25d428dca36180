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


def test_labels_that_are_held_back_do_not_hold_back_the_rest(tmp_path):
    for number in (1, 2):
        fakes.write(tmp_path / "m", number, f"{number}")
    first = config(tmp_path, policy=VersionPolicy(specific=(1,)))
    with running(Given(first._replace(labels={"stable": 1}))) as store:
        both = first._replace(policy=VersionPolicy(specific=(1, 2)))
        with refused(Code.FAILED_PRECONDITION, NOT_LOADED):
            store.reload([both._replace(labels={"stable": 3, "last": 1})])
        settled(store)
        assert newest(store) == 2
        assert content(store, label="stable") == content(store, label="last")
        # Refused is refused: it is not given behind anybody's back.
        fakes.write(tmp_path / "m", 3, "3")
        given = store.configs()[0].labels
        every = VersionPolicy(all=True)
        store.reload([config(tmp_path, policy=every, labels=given)])
        eventually(lambda: newest(store) == 3)
        assert content(store, label="stable") == "1"


def write_labelled(path, models):
    """Writes a `models.config`; models are `{name: {label: version}}`."""
    configs = ""
    for name, labels in models.items():
        given = "".join(
            f'version_labels {{ key: "{label}" value: {version} }} '
            for label, version in labels.items()
        )
        configs += (
            f'config {{ name: "{name}" base_path: "{name}" '
            f"model_version_policy {{ all {{}} }} {given} }}\n"
        )
    new = path.with_suffix(".new")
    new.write_text(f"model_config_list {{ {configs} }}")
    new.rename(path)


def test_a_new_model_of_a_file_may_have_labels(tmp_path, caplog):
    for name in ("a", "b"):
        fakes.write(tmp_path / name, 1, name)
    path = tmp_path / "models.config"
    write_labelled(path, {"a": {"stable": 1}})
    loader = FakeLoader()
    with running(ConfigFile(path, 0.02), loader) as store:
        loader.gate.clear()
        write_labelled(path, {"a": {"stable": 1}, "b": {"stable": 1}})
        eventually(lambda: len(store.configs()) == 2)
        message = "Unrecognized servable version label: stable"
        with refused(Code.INVALID_ARGUMENT, message):
            content(store, "b", label="stable")
        loader.gate.set()
        eventually(store.is_ready)
        assert content(store, "b", label="stable") == "b"
    assert not caplog.records


def test_a_label_of_a_file_waits_for_its_version(tmp_path, caplog):
    fakes.write(tmp_path / "m", 1, "1")
    path = tmp_path / "models.config"
    write_labelled(path, {"m": {"stable": 1}})
    with running(ConfigFile(path, 0.02)) as store:
        write_labelled(path, {"m": {"stable": 2, "old": 1}})
        eventually(lambda: "A label is not given yet" in caplog.text)
        time.sleep(0.1)
        assert caplog.text.count("version 2 of model m, which is not") == 1
        assert content(store, label="stable") == "1"
        assert content(store, label="old") == "1"
        fakes.write(tmp_path / "m", 2, "2")
        eventually(lambda: content(store, label="stable") == "2")
        assert store.configs()[0].labels == {"stable": 2, "old": 1}


@pytest.mark.parametrize("seconds", [None, 20])
def test_a_reload_waits_for_new_models(tmp_path, seconds):
    for name in ("a", "b"):
        fakes.write(tmp_path / name, 1, name)
    a = config(tmp_path, "a")
    with running(Given(a), FakeLoader(seconds=0.1)) as store:
        store.reload([a, config(tmp_path, "b", labels={"x": 1})], seconds)
        assert content(store, "b", label="x") == "b"


def test_a_reload_tells_of_new_models_that_cannot_be_loaded(tmp_path):
    fakes.write(tmp_path / "a", 1)
    fakes.write(tmp_path / "bad", 7, fakes.BROKEN)
    a = config(tmp_path, "a")
    with running(Given(a)) as store:
        configs = [a, config(tmp_path, "bad"), config(tmp_path, "none")]
        message = (
            "Some models did not become available: {{name: bad version: 7}, "
            "{name: none}, }"
        )
        with refused(Code.UNKNOWN, message):
            store.reload(configs, 20)
        # They are no new ones any more.
        store.reload(configs, 20)
        assert newest(store, "a") == 1


def test_a_reload_waits_no_longer_than_it_may(tmp_path):
    fakes.write(tmp_path / "m", 1)
    loader = FakeLoader()
    with running(None, loader) as store:
        loader.gate.clear()
        start = time.monotonic()
        message = "The models were not loaded in time; they still are being"
        with pytest.raises(ServingError, match=message) as caught:
            store.reload([config(tmp_path)], 0.1)
        assert caught.value.code == Code.DEADLINE_EXCEEDED
        assert time.monotonic() - start < 5
        loader.gate.set()
        settled(store)
        assert newest(store) == 1


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
