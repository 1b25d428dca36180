import pytest

from keras_vae_serving.model_server import State, VersionStatus
from keras_vae_serving.rpc import messages
from keras_vae_serving.status import Code
from tests.keras_vae_serving.echo import EchoServer
from tests.keras_vae_serving.rpc import requests
from tests.keras_vae_serving.rpc.loopback import STATUS, Loopback

pytestmark = pytest.mark.once


def versions(response):
    return [one.version for one in response.model_version_status]


def test_versions_newest_first(loopback):
    assert versions(loopback.call(STATUS, requests.status("echo"))) == [2, 1]
    request = requests.status("echo", version=1)
    assert versions(loopback.call(STATUS, request)) == [1]


def test_a_label_is_ignored(loopback):
    request = requests.status("echo", label="none")
    assert versions(loopback.call(STATUS, request)) == [2, 1]


class Broken(EchoServer):
    def statuses(self, name, version=None):
        return [
            VersionStatus(one, state, Code.NOT_FOUND, "no é")
            for one, state in enumerate(State)
        ]


def test_every_state_and_its_error():
    with Loopback(Broken()) as broken:
        response = broken.call(STATUS, requests.status("echo"))
    for told, state in zip(response.model_version_status, State, strict=True):
        states = type(told).DESCRIPTOR.enum_types_by_name["State"]
        assert states.values_by_number[told.state].name == state.name
        assert told.status.error_code == 5
        assert told.status.error_message == "no é"


@pytest.mark.parametrize(
    "request_, error",
    [
        (
            requests.status("echo", version=9),
            ("NOT_FOUND", "Could not find version 9 of model echo"),
        ),
        (
            messages.GetModelStatusRequest(),
            ("INVALID_ARGUMENT", "Missing ModelSpec"),
        ),
    ],
)
def test_refused(loopback, request_, error):
    assert loopback.error(STATUS, request_) == error
