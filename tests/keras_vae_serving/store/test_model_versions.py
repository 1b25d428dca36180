import pathlib

import pytest

from keras_vae_serving.model_server import ModelConfig, State, VersionPolicy
from keras_vae_serving.status import Code, ServingError
from keras_vae_serving.store.handle import Handle
from keras_vae_serving.store.model_versions import ModelVersions
from keras_vae_serving.store.options import StoreOptions
from tests.keras_vae_serving.store.fakes import FakeServable

pytestmark = pytest.mark.once

PROBLEM = ServingError(Code.DATA_LOSS, "it is broken")
CONFIG = ModelConfig("m", "/m")


class Model(ModelVersions):
    """A model whose loads end when a test says so.

    Attributes:
        now: The time.
    """

    def __init__(self, policy=CONFIG.policy, **options):
        super().__init__(
            CONFIG._replace(policy=policy), StoreOptions(**options)
        )
        self.now = 0.0
        self.loading = {}

    def finds(self, *numbers, base_path="/m"):
        folder = pathlib.Path(base_path)
        self.set_found({one: folder / str(one) for one in numbers})
        return self.step()

    def step(self):
        """Returns the numbers of the loads that begin, and of the drops."""
        loads = self.take_loads(self.now)
        self.loading |= {one.number: one for one in loads}
        drops = self.take_drops()
        return [one.number for one in loads], [one.number for one in drops]

    def loads(self, number):
        version = self.loading.pop(number)
        self.set_loaded(version, Handle(FakeServable("m", number, "")))
        return self.step()

    def fails(self, number):
        self.set_failed(self.loading.pop(number), PROBLEM, self.now)
        return self.step()

    @property
    def states(self):
        return {one.version: one.state.name for one in self.statuses()}

    @property
    def newest(self):
        handle = self.available()
        return None if handle is None else handle.servable.version


def model_with(*numbers, policy=CONFIG.policy, **options):
    """A model whose wanted versions among these are loaded."""
    model = Model(policy, **options)
    begun, _ = model.finds(*numbers)
    for number in begun:
        model.loads(number)
    return model


def test_a_new_version_is_loaded_before_the_old_is_dropped():
    model = model_with(1)
    assert model.finds(1, 2) == ([2], [])
    assert model.states == {2: "LOADING", 1: "AVAILABLE"}
    assert model.newest == 1
    assert model.loads(2) == ([], [1])
    assert model.states == {2: "AVAILABLE", 1: "UNLOADING"}
    assert model.newest == 2
    assert model.available(1) is None


def test_what_is_dropped_ends_when_it_is_closed():
    model = model_with(1)
    model.finds(1, 2)
    version = model.loading[2]
    model.set_loaded(version, Handle(FakeServable("m", 2, "")))
    (dropped,) = model.take_drops()
    assert dropped.handle.is_retired
    model.set_closed(dropped)
    assert model.states == {2: "AVAILABLE", 1: "END"}


def test_a_broken_version_takes_no_place():
    model = model_with(2, max_num_load_retries=2)
    assert model.finds(2, 3) == ([3], [])
    assert model.fails(3) == ([], [])
    assert model.states == {3: "LOADING", 2: "AVAILABLE"}
    status = model.statuses()[0]
    assert (status.code, status.message) == (Code.DATA_LOSS, "it is broken")
    assert model.newest == 2


def test_retries():
    model = Model(max_num_load_retries=2, load_retry_interval_micros=3_000_000)
    model.finds(1)
    assert model.fails(1) == ([], [])
    assert model.next_retry() == 3
    model.now = 2.9
    assert model.step() == ([], [])
    model.now = 3
    assert model.step() == ([1], [])
    assert model.fails(1) == ([], [])
    model.now = 6
    assert model.step() == ([1], [])
    assert model.fails(1) == ([], [])
    assert model.next_retry() is None
    assert model.states == {1: "END"}
    assert model.statuses()[0].code is Code.DATA_LOSS
    model.now = 1000
    assert model.step() == ([], [])


def test_a_repaired_version_is_tried_again():
    model = Model(max_num_load_retries=0)
    model.finds(1)
    model.fails(1)
    ((version, path),) = model.failed()
    assert path == pathlib.Path("/m/1")
    model.retry_now(version, model.now)
    assert model.step() == ([1], [])
    assert model.states == {1: "LOADING"}
    model.retry_now(version, model.now)
    assert model.step() == ([], []), "it is being loaded already"
    model.loads(1)
    assert model.states == {1: "AVAILABLE"}
    assert model.statuses()[0].message == ""
    assert model.failed() == []


def test_an_older_version_stands_in_for_a_broken_one():
    model = Model()
    assert model.finds(1, 2, 3) == ([3], [])
    assert model.fails(3) == ([2], [])
    assert model.loads(2) == ([], [])
    assert model.newest == 2
    ((version, _),) = model.failed()
    model.retry_now(version, model.now)
    assert model.step() == ([3], [])
    assert model.newest == 2
    assert model.loads(3) == ([], [2])
    assert model.newest == 3


def test_a_deleted_version_goes_when_another_is_there():
    model = model_with(3)
    assert model.finds(1, 2) == ([2], [])
    assert model.newest == 3
    assert model.fails(2) == ([1], [])
    assert model.newest == 3
    assert model.loads(1) == ([], [3])
    assert model.newest == 1


def test_nothing_is_dropped_when_all_directories_go():
    model = model_with(3)
    assert model.finds() == ([], [])
    assert model.newest == 3
    assert model.is_settled


def test_nothing_is_dropped_when_the_disk_cannot_be_read():
    model = model_with(3)
    model.set_found(None)
    assert model.step() == ([], [])
    assert model.finds(3) == ([], [])
    assert model.newest == 3


def test_a_directory_that_comes_back_is_loaded_in_its_place():
    model = model_with(1)
    old = model.available()
    assert model.finds() == ([], [])
    assert model.finds(1) == ([1], [])
    assert not model.is_settled
    assert model.states == {1: "AVAILABLE"}
    assert model.available() is old
    new = Handle(FakeServable("m", 1, "new"))
    assert model.set_loaded(model.loading.pop(1), new) is old
    assert old.is_retired
    assert model.available() is new
    assert model.step() == ([], [])
    assert model.is_settled


def test_what_comes_back_broken_takes_no_place():
    model = model_with(1)
    old = model.available()
    model.finds()
    model.finds(1)
    assert model.fails(1) == ([], [])
    assert model.available() is old
    assert model.statuses() == [(1, State.AVAILABLE, Code.OK, "")]
    assert model.is_settled


def test_another_base_path_replaces_what_is_loaded():
    model = model_with(1, 2)
    model.set_config(model.config._replace(base_path="/other"))
    assert model.step() == ([], []), "nothing is known of the new path yet"
    assert not model.is_settled
    assert model.finds(1, 2, base_path="/other") == ([2], [])
    assert model.newest == 2
    assert model.loads(2) == ([], [])
    assert model.states == {2: "AVAILABLE"}


def test_a_version_that_is_wanted_again():
    model = model_with(1)
    model.finds(1, 2)
    model.loads(2)
    assert model.states == {2: "AVAILABLE", 1: "UNLOADING"}
    assert model.finds(1) == ([1], [])
    assert model.states == {2: "AVAILABLE", 1: "LOADING"}
    assert model.loads(1) == ([], [2])
    assert model.newest == 1


def test_a_broken_version_that_is_not_wanted_any_more():
    model = model_with(2)
    model.finds(2, 3)
    model.fails(3)
    assert model.finds(2) == ([], [])
    assert model.states == {3: "END", 2: "AVAILABLE"}
    assert model.next_retry() is None
    assert model.finds(2, 3) == ([3], []), "it begins from the start"


def test_a_version_that_goes_while_it_is_loaded():
    model = model_with(1)
    model.finds(1, 2)
    assert model.finds(1) == ([], [])
    assert model.loads(2) == ([], [2])
    assert model.newest == 1


def test_a_removed_model():
    model = model_with(1, 2, policy=VersionPolicy(all=True))
    model.finds(1, 2, 3)
    model.is_removed = True
    assert model.is_settled
    loads, drops = model.step()
    assert (loads, sorted(drops)) == ([], [1, 2])
    assert model.newest is None
    assert model.loads(3) == ([], [3])
    assert model.newest is None


def test_a_model_that_is_removed_and_given_again():
    model = model_with(1)
    model.is_removed = True
    model.step()
    model.set_config(CONFIG)
    assert model.finds(1) == ([1], [])
    model.loads(1)
    assert model.newest == 1


@pytest.mark.parametrize(
    ("policy", "loaded"),
    [
        (VersionPolicy(), [4]),
        (VersionPolicy(latest=2), [4, 3]),
        (VersionPolicy(all=True), [4, 3, 2, 1]),
        (VersionPolicy(specific=(1, 3)), [3, 1]),
    ],
)
def test_policies(policy, loaded):
    model = Model(policy)
    begun, _ = model.finds(1, 2, 3, 4)
    assert begun == loaded
    assert not model.is_settled
    for number in begun:
        model.loads(number)
    assert model.is_settled
    assert model.states == dict.fromkeys(loaded, "AVAILABLE")
    assert model.newest == loaded[0]


def test_a_policy_that_changes():
    model = model_with(1, 2, 3)
    everything = model.config._replace(policy=VersionPolicy(all=True))
    model.set_config(everything)
    assert model.finds(1, 2, 3) == ([2, 1], [])
    model.loads(2)
    model.loads(1)
    first = model.config._replace(policy=VersionPolicy(specific=(1,)))
    model.set_config(first)
    loads, drops = model.finds(1, 2, 3)
    assert (loads, sorted(drops)) == ([], [2, 3])


def test_a_specific_version_that_is_not_there():
    model = model_with(1)
    model.set_config(CONFIG._replace(policy=VersionPolicy(specific=(7,))))
    assert model.finds(1) == ([], [])
    assert model.newest == 1
    assert model.finds(1, 7) == ([7], [])
    assert model.loads(7) == ([], [1])


def test_of_several_new_versions_none_goes_before_all_are_there():
    model = model_with(1, 2, policy=VersionPolicy(latest=2))
    assert model.finds(1, 2, 3, 4) == ([4, 3], [])
    assert model.loads(4) == ([], [])
    assert model.fails(3) == ([], [1]), "2 stands in for 3"
    assert model.states == {
        4: "AVAILABLE",
        3: "LOADING",
        2: "AVAILABLE",
        1: "UNLOADING",
    }


def test_ended_versions_are_forgotten_in_the_end():
    model = model_with(1)
    for number in range(2, 302):
        model.finds(number)
        version = model.loading[number]
        model.set_loaded(version, Handle(FakeServable("m", number, "")))
        for dropped in model.take_drops():
            model.set_closed(dropped)
    assert len(model.statuses()) == 101
    assert model.statuses()[0].version == 301
