import threading

import pytest

from keras_vae_serving.model_server import ModelConfig, VersionPolicy
from keras_vae_serving.rpc import messages, reload_config
from keras_vae_serving.status import ServingError
from tests.keras_vae_serving.echo import EchoServer
from tests.keras_vae_serving.rpc import requests
from tests.keras_vae_serving.rpc.loopback import CHECK, RELOAD, Loopback

pytestmark = pytest.mark.once

ECHO = {
    "name": "echo",
    "base_path": "/models/echo",
    "model_platform": "tensorflow",
}


@pytest.mark.parametrize(
    "policy, expected",
    [
        ({}, VersionPolicy()),
        ({"latest": {}}, VersionPolicy(latest=1)),
        ({"latest": {"num_versions": 3}}, VersionPolicy(latest=3)),
        ({"all": {}}, VersionPolicy(all=True)),
        ({"specific": {"versions": [2, 5]}}, VersionPolicy(specific=(2, 5))),
    ],
)
def test_policies(policy, expected):
    request = requests.reload(ECHO | {"model_version_policy": policy})
    assert reload_config.read(request) == [
        ModelConfig("echo", "/models/echo", expected)
    ]


def test_models_and_labels_reach_the_server(loopback):
    labelled = ECHO | {"version_labels": {"stable": 1, "canary": 2}}
    by_type = {"name": "b", "base_path": "gs://b", "model_type": 1}
    response = loopback.call(RELOAD, requests.reload(labelled, by_type))
    assert response.status == messages.message_class(
        "tensorflow.serving.StatusProto"
    )(error_code=0)
    assert response.HasField("status")
    assert loopback.model_server.reloaded[-1] == [
        ModelConfig("echo", "/models/echo", labels={"stable": 1, "canary": 2}),
        ModelConfig("b", "gs://b"),
    ]
    loopback.call(RELOAD, requests.reload())
    assert loopback.model_server.reloaded[-1] == []


@pytest.mark.parametrize(
    "config, message",
    [
        (
            {"model_platform": "jax"},
            "Model echo requests unsupported pla.* jax",
        ),
        ({"model_platform": "", "model_type": 2}, "unsupported platform other"),
        ({"model_type": 1}, "Illegal setting both model_type"),
        ({"model_platform": ""}, "Illegal setting neither model_type"),
    ],
)
def test_platforms(config, message):
    with pytest.raises(ServingError, match=message):
        reload_config.read(requests.reload(ECHO | config))


def test_no_list(loopback):
    for request in (
        messages.ReloadConfigRequest(),
        messages.ReloadConfigRequest(config={"custom_model_config": {}}),
    ):
        code, text = loopback.error(RELOAD, request)
        assert code == "INVALID_ARGUMENT"
        assert text == (
            "ServerModelConfig type not supported by "
            "HandleReloadConfigRequest. Only ModelConfigList is currently "
            "supported"
        )


class SlowToLoad(EchoServer):
    def __init__(self):
        super().__init__()
        self.loading = threading.Event()
        self.loaded = threading.Event()

    def reload(self, configs, seconds=None):
        self.loading.set()
        assert self.loaded.wait(20)


def test_others_are_answered_while_models_are_loaded():
    with Loopback(SlowToLoad()) as slow:
        thread = threading.Thread(
            target=slow.call, args=(RELOAD, requests.reload(ECHO))
        )
        thread.start()
        assert slow.model_server.loading.wait(20)
        assert slow.call(CHECK, messages.HealthCheckRequest()).status == 1
        slow.model_server.loaded.set()
        thread.join(20)
        assert not thread.is_alive()


class Noting(EchoServer):
    def reload(self, configs, seconds=None):
        self.seconds = seconds


@pytest.mark.parametrize(
    ("client", "server", "expected"),
    [(None, None, None), (None, 7, 7), (5, 7, 5)],
)
def test_how_long_it_may_take(client, server, expected):
    with Loopback(Noting(), timeout_s=server) as noting:
        noting.call(RELOAD, requests.reload(ECHO), timeout=client)
        seconds = noting.model_server.seconds
    if expected is None:
        assert seconds is None
    else:
        assert seconds == pytest.approx(expected, abs=0.9)
