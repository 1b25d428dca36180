import asyncio
import logging
import shutil
import threading
import time

import pytest

from keras_vae_serving.model_server import (
    ModelSpec,
    State,
    VersionStatus,
)
from keras_vae_serving.status import Code
from keras_vae_serving.store import versions
from keras_vae_serving.store.model_store import ModelStore
from keras_vae_serving.store.options import StoreOptions
from tests.keras_vae_serving.store import fakes
from tests.keras_vae_serving.store.fakes import FakeLoader
from tests.keras_vae_serving.store.stores import (
    SECONDS,
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


def test_serves_the_newest_version(tmp_path):
    for number in (1, 2, 10):
        fakes.write(tmp_path / "m", number, f"content of {number}")
    loader = FakeLoader()
    with running(Given(config(tmp_path)), loader) as store:
        assert store.is_ready()
        assert content(store) == "content of 10"
        assert content(store, version=10) == "content of 10"
        assert store.statuses("m") == [VersionStatus(10, State.AVAILABLE)]
        assert store.statuses("m", 10) == store.statuses("m")
        assert store.configs() == [config(tmp_path)]
    assert loader.open == []


def test_what_is_not_there(tmp_path):
    fakes.write(tmp_path / "m", 1)
    missing = Code.NOT_FOUND
    with running(Given(config(tmp_path))) as store:
        with refused(missing, "Could not find any versions of model x"):
            store.statuses("x")
        with refused(missing, "Could not find version 9 of model m"):
            store.statuses("m", 9)
        with refused(missing, "Servable not found for request: Latest(x)"):
            newest(store, "x")
        message = "Servable not found for request: Specific(m, 9)"
        with refused(missing, message):
            content(store, version=9)
        message = "Unrecognized servable version label: none"
        with refused(Code.INVALID_ARGUMENT, message):
            content(store, label="none")
        with refused(Code.INVALID_ARGUMENT, message):
            content(store, "x", label="none")


def test_a_new_version_takes_over_and_the_old_one_ends(tmp_path):
    fakes.write(tmp_path / "m", 1)
    loader = FakeLoader()
    with running(Given(config(tmp_path)), loader) as store:
        loader.gate.clear()
        fakes.write(tmp_path / "m", 2)
        eventually(lambda: states(store) == {2: "LOADING", 1: "AVAILABLE"})
        assert newest(store) == 1
        loader.gate.set()
        eventually(lambda: states(store) == {2: "AVAILABLE", 1: "END"})
        assert newest(store) == 2
        assert [one.version for one in loader.open] == [2]


def test_an_old_version_ends_with_its_last_request(tmp_path):
    fakes.write(tmp_path / "m", 1)
    loader = FakeLoader()
    with running(Given(config(tmp_path)), loader) as store:
        with (
            store.acquire(ModelSpec("m")) as first,
            store.acquire(ModelSpec("m")),
        ):
            fakes.write(tmp_path / "m", 2)
            eventually(lambda: newest(store) == 2)
            time.sleep(0.1)
            assert states(store) == {2: "AVAILABLE", 1: "UNLOADING"}
            assert not first.is_closed
            message = "Servable not found for request: Specific(m, 1)"
            with refused(Code.NOT_FOUND, message):
                content(store, version=1)
        eventually(lambda: states(store)[1] == "END")
        assert first.is_closed


def test_a_request_that_fails_gives_its_version_back(tmp_path):
    fakes.write(tmp_path / "m", 1)
    with running(Given(config(tmp_path))) as store:
        with pytest.raises(ZeroDivisionError), store.acquire(ModelSpec("m")):
            raise ZeroDivisionError
        fakes.write(tmp_path / "m", 2)
        eventually(lambda: states(store) == {2: "AVAILABLE", 1: "END"})


def test_a_broken_version_never_takes_the_place_of_a_good_one(tmp_path):
    fakes.write(tmp_path / "m", 1)
    loader = FakeLoader()
    options = {"max_num_load_retries": 2, "load_retry_interval_micros": 10_000}
    with running(Given(config(tmp_path)), loader, **options) as store:
        path = fakes.write(tmp_path / "m", 2, fakes.BROKEN)
        eventually(lambda: states(store).get(2) == "END")
        assert loader.tried[str(path)] == 3
        status = store.statuses("m", 2)[0]
        assert (status.code, status.message) == (
            Code.DATA_LOSS,
            f"{path} is broken",
        )
        assert newest(store) == 1
        assert store.is_ready()


def test_a_broken_version_waits_before_it_is_tried_again(tmp_path):
    fakes.write(tmp_path / "m", 1)
    loader = FakeLoader()
    with running(Given(config(tmp_path)), loader) as store:
        path = fakes.write(tmp_path / "m", 2, fakes.BROKEN)
        eventually(lambda: store.statuses("m")[0].code is Code.DATA_LOSS)
        time.sleep(0.1)
        assert states(store) == {2: "LOADING", 1: "AVAILABLE"}
        assert loader.tried[str(path)] == 1


def test_a_version_is_loaded_as_soon_as_it_is_repaired(tmp_path):
    path = fakes.write(tmp_path / "m", 1, fakes.BROKEN)
    with running(Given(config(tmp_path)), max_num_load_retries=0) as store:
        assert states(store) == {1: "END"}
        assert not store.is_ready()
        (path / "content").write_text("repaired")
        (path / "manifest.json").write_text("repaired")
        eventually(store.is_ready)
        assert content(store) == "repaired"
        assert store.statuses("m") == [VersionStatus(1, State.AVAILABLE)]


def test_after_a_restart_an_older_version_stands_in(tmp_path):
    fakes.write(tmp_path / "m", 1)
    fakes.write(tmp_path / "m", 2)
    fakes.write(tmp_path / "m", 3, fakes.BROKEN)
    with running(Given(config(tmp_path))) as store:
        assert states(store) == {3: "LOADING", 2: "AVAILABLE"}
        assert newest(store) == 2
        assert store.is_ready()


def test_what_a_loader_raises_is_told(tmp_path):
    fakes.write(tmp_path / "m", 1)

    def load(path, name, version):
        raise MemoryError("too large")

    with running(Given(config(tmp_path)), load) as store:
        status = store.statuses("m")[0]
        assert status.code is Code.INTERNAL
        assert status.message == "MemoryError: too large"


@pytest.mark.parametrize("deleted", [(1,), (2,), (1, 2)])
def test_deleted_directories(tmp_path, deleted):
    for number in (1, 2):
        fakes.write(tmp_path / "m", number, f"{number}")
    with running(Given(config(tmp_path))) as store:
        for number in deleted:
            shutil.rmtree(tmp_path / "m" / str(number))
        expected = 1 if deleted == (2,) else 2
        eventually(lambda: newest(store) == expected)
        time.sleep(0.1)
        assert content(store) == str(expected)


def test_a_base_path_that_goes_and_comes_back(tmp_path, caplog):
    fakes.write(tmp_path / "m", 1)
    with running(Given(config(tmp_path))) as store:
        (tmp_path / "m").rename(tmp_path / "away")
        eventually(lambda: "cannot be read" in caplog.text)
        time.sleep(0.1)
        assert newest(store) == 1
        assert caplog.text.count("cannot be read") == 1
        (tmp_path / "away").rename(tmp_path / "m")
        fakes.write(tmp_path / "m", 2)
        eventually(lambda: newest(store) == 2)


def test_a_version_exported_again_under_its_number(tmp_path):
    path = fakes.write(tmp_path / "m", 1, "old")
    loader = FakeLoader()
    with running(Given(config(tmp_path)), loader) as store:
        shutil.rmtree(path)
        time.sleep(0.1)
        assert content(store) == "old"
        fakes.write(tmp_path / "m", 1, "new")
        eventually(lambda: content(store) == "new")
        eventually(lambda: len(loader.open) == 1)
        assert states(store) == {1: "AVAILABLE"}


def test_a_start_without_versions_ends(tmp_path, monkeypatch):
    # The wait begins before the disk was looked at, and nothing is loaded.
    (tmp_path / "m").mkdir()
    find = versions.find

    def find_slowly(base_path):
        time.sleep(0.2)
        return find(base_path)

    monkeypatch.setattr(versions, "find", find_slowly)

    async def check():
        options = StoreOptions(file_system_poll_wait_seconds=0)
        store = ModelStore(Given(config(tmp_path)), options, FakeLoader())
        await store.start(wait=False)
        begin = time.monotonic()
        assert await store.settled(SECONDS)
        assert time.monotonic() - begin < SECONDS / 2
        assert not store.is_ready()
        await store.stop()

    asyncio.run(check())


def test_hidden_directories_are_no_versions(tmp_path):
    fakes.write(tmp_path / "m", 1)
    fakes.write(tmp_path / "m", 2).rename(tmp_path / "m" / ".2.tmp-0123abcd")
    with running(Given(config(tmp_path))) as store:
        assert states(store) == {1: "AVAILABLE"}


def test_no_versions(tmp_path, caplog):
    (tmp_path / "m").mkdir()
    with running(Given(config(tmp_path))) as store:
        assert not store.is_ready()
        assert "no directory there is named by a version" in caplog.text
        message = "Could not find any versions of model m"
        with refused(Code.NOT_FOUND, message):
            store.statuses("m")
        fakes.write(tmp_path / "m", 1)
        eventually(store.is_ready)


def test_polling_can_be_left_out(tmp_path):
    fakes.write(tmp_path / "m", 1)
    options = {"file_system_poll_wait_seconds": 0}
    with running(Given(config(tmp_path)), **options) as store:
        fakes.write(tmp_path / "m", 2)
        time.sleep(0.1)
        assert newest(store) == 1
        store.reload([config(tmp_path)])
        settled(store)
        assert newest(store) == 2


def test_stop_waits_for_requests_and_takes_no_more(tmp_path):
    fakes.write(tmp_path / "m", 1)
    loader = FakeLoader()

    async def check():
        store = ModelStore(Given(config(tmp_path)), load=loader)
        await store.start()
        with store.acquire(ModelSpec("m")) as servable:
            stopping = asyncio.create_task(store.stop(SECONDS))
            await asyncio.sleep(0.1)
            assert not stopping.done()
            assert not servable.is_closed
            with refused(Code.UNAVAILABLE, "The server is stopping"):
                newest(store)
            assert not store.is_ready()
        assert await stopping
        assert servable.is_closed
        assert states(store) == {1: "END"}

    asyncio.run(check())


def test_stop_gives_up_waiting(tmp_path):
    fakes.write(tmp_path / "m", 1)

    async def check():
        store = ModelStore(Given(config(tmp_path)), load=FakeLoader())
        await store.start()
        with store.acquire(ModelSpec("m")) as servable:
            assert not await store.stop(0.05)
            assert not servable.is_closed, "it may still be running"
            assert states(store) == {1: "UNLOADING"}

    asyncio.run(check())


def test_stop_while_a_version_is_loaded(tmp_path):
    fakes.write(tmp_path / "m", 1)
    loader = FakeLoader()
    loader.gate.clear()

    async def check():
        store = ModelStore(Given(config(tmp_path)), load=loader)
        starting = asyncio.create_task(store.start())
        await asyncio.to_thread(eventually, lambda: loader.tried)
        assert await store.stop()
        await asyncio.wait_for(starting, SECONDS)
        loader.gate.set()
        await asyncio.to_thread(eventually, lambda: loader.loaded)
        await asyncio.to_thread(eventually, lambda: not loader.open)

    asyncio.run(check())


def test_a_start_that_is_cancelled_leaves_no_thread_waiting(tmp_path):
    fakes.write(tmp_path / "m", 1)
    loader = FakeLoader()
    loader.gate.clear()

    async def check():
        store = ModelStore(Given(config(tmp_path)), load=loader)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(store.start(), 0.1)
        await store.stop()

    asyncio.run(check())  # It ends when the threads of its pool have.
    loader.gate.set()


def test_the_event_loop_goes_on_while_versions_are_loaded(tmp_path):
    fakes.write(tmp_path / "m", 1)
    loader = FakeLoader(seconds=0.3)

    async def check():
        store = ModelStore(Given(config(tmp_path)), load=loader)
        starting = asyncio.create_task(store.start())
        turns = 0
        while not starting.done():
            await asyncio.sleep(0.005)
            turns += 1
        assert turns > 10
        await store.stop()

    asyncio.run(check())


def test_start_need_not_wait(tmp_path):
    fakes.write(tmp_path / "m", 1)
    loader = FakeLoader()
    loader.gate.clear()

    async def check():
        options = StoreOptions(file_system_poll_wait_seconds=0.02)
        store = ModelStore(Given(config(tmp_path)), options, loader)
        await store.start(wait=False)
        assert not store.is_ready()
        assert not await store.settled(0.05)
        loader.gate.set()
        assert await store.settled(SECONDS)
        assert store.is_ready()
        await store.stop()

    asyncio.run(check())


def test_loading_and_unloading_are_logged(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    path = fakes.write(tmp_path / "m", 1)
    with running(Given(config(tmp_path))):
        pass
    assert f"Loaded version 1 of model m from {path} in 0." in caplog.text
    assert "Unloaded version 1 of model m." in caplog.text


def test_no_thread_is_left(tmp_path):
    before = {*threading.enumerate()}
    fakes.write(tmp_path / "m", 1)
    with running(Given(config(tmp_path))):
        names = {one.name for one in {*threading.enumerate()} - before}
        assert "keras-vae-store" in names

    def gone():
        new = {*threading.enumerate()} - before
        return not any(one.name.startswith("keras-vae-") for one in new)

    eventually(gone)
