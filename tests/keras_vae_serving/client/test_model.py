"""A model's state, its versions and keys, against the real server."""

import threading
import time

import numpy as np
import pytest

from keras_vae_serving.status import Code, ServingError
from keras_vae_serving.store.options import StoreOptions
from tests.keras_vae_serving.client.both import connect
from tests.keras_vae_serving.client.served import PROTOCOLS, serve
from tests.keras_vae_serving.directories import (
    LINEAR,
    LinearModel,
    write_version,
)

pytestmark = pytest.mark.once

KEY = "a-key-of-sixteen-characters"
CONFIG = """
model_config_list {{ config {{
  name: "digits" base_path: "{path}" model_platform: "tensorflow"
  model_version_policy {{ specific {{ versions: 1 versions: 2 }} }}
  version_labels {{ key: "stable" value: 1 }}
  version_labels {{ key: "canary" value: 2 }}
}} }}
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server with a key, of two versions of `digits`, with labels."""
    folder = tmp_path_factory.mktemp("guarded")
    write_version(folder / "digits", 1)
    write_version(folder / "digits", 2, model=LinearModel(bias=1.5))
    config = folder / "models.config"
    config.write_text(CONFIG.format(path=folder / "digits"), "utf-8")
    settings = {"models_config_file": config, "api_keys": (KEY,)}
    with serve(None, **settings) as running:
        yield running


def test_both_protocols_describe_a_model_alike(served):
    found = []
    for protocol in PROTOCOLS:
        address = served.addresses[protocol]
        with connect("blocking", address, "digits") as client:
            found.append((client.status(), client.metadata()))
    assert found[0] == found[1]
    status, metadata = found[0]
    assert status["model_version_status"][0]["state"] == "AVAILABLE"
    assert metadata["model_spec"]["version"] == "1"
    assert (
        "generate_rows"
        in metadata["metadata"]["signature_def"]["signature_def"]
    )


def test_an_unknown_model(served, protocol, kind):
    with connect(kind, served.addresses[protocol], "nope") as client:
        with pytest.raises(ServingError, match="Servable not found") as caught:
            client.generate(1)
        assert caught.value.code == Code.NOT_FOUND
        message = "Could not find any versions of model nope"
        with pytest.raises(ServingError, match=message):
            client.status()


@pytest.mark.parametrize(
    ("chosen", "bias"),
    [
        ({}, 1.5),
        ({"version": 1}, 0.5),
        ({"version": 2}, 1.5),
        ({"label": "stable"}, 0.5),
        ({"label": "canary"}, 1.5),
    ],
)
def test_versions_and_labels(guarded, protocol, kind, chosen, bias):
    address = guarded.addresses[protocol]
    with connect(kind, address, "digits", api_key=KEY, **chosen) as client:
        client.wait_until_ready(5)
        x = client.decode(np.zeros((1, 3)))
    np.testing.assert_allclose(x, bias)


@pytest.mark.parametrize("chosen", [{"version": 9}, {"label": "none"}])
def test_a_version_that_is_not_there(guarded, protocol, kind, chosen):
    address = guarded.addresses[protocol]
    with connect(kind, address, "digits", api_key=KEY, **chosen) as client:
        with pytest.raises(ServingError) as caught:
            client.generate(1)
        assert caught.value.code in (Code.NOT_FOUND, Code.INVALID_ARGUMENT)
        message = "not ready within 0.3 s: (Could not find|Unrecognized)"
        with pytest.raises(ServingError, match=message):
            client.wait_until_ready(0.3)


@pytest.mark.parametrize("api_key", [None, "another-key-of-characters"])
def test_a_key_is_asked_for(guarded, protocol, kind, api_key):
    address = guarded.addresses[protocol]
    with connect(kind, address, "digits", api_key=api_key) as client:
        for call in (client.wait_until_ready, lambda: client.generate(1)):
            with pytest.raises(ServingError, match="API key") as caught:
                call()
            assert caught.value.code == Code.UNAUTHENTICATED


def test_waiting_for_a_server_that_starts_later(tmp_path, protocol, kind):
    write_version(tmp_path / "digits")
    with serve(tmp_path) as running:
        address = running.addresses[protocol]
    port = int(address.rpartition(":")[2])
    found = []

    def wait():
        with connect(kind, address, "digits") as client:
            with pytest.raises(ServingError, match="could not be reached"):
                client.wait_until_ready(0.2)
            client.wait_until_ready(15)
            found.append(client.generate(1, 7))

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.6)
    name = {"rest": "rest_api_port", "grpc": "port"}[protocol]
    with serve(tmp_path, **{name: port}):
        thread.join(15)
    np.testing.assert_allclose(
        found[0], LINEAR.generate(1, 7, np.float32(1))["x"], atol=1e-6
    )


def test_a_model_that_comes_later(tmp_path, protocol, kind):
    write_version(tmp_path / "other")
    often = StoreOptions(file_system_poll_wait_seconds=0.1)
    with serve(tmp_path, store=often) as running:
        with connect(kind, running.addresses[protocol], "digits") as client:
            with pytest.raises(ServingError, match="not ready within 0.2 s"):
                client.wait_until_ready(0.2)
            write_version(tmp_path / "digits")
            client.wait_until_ready(10)
            assert client.generate(2).shape == (2, 4, 4, 1)


def test_a_server_that_stops_is_asked_again(tmp_path, protocol, kind):
    """503 is tried again with growing waits, then told."""
    write_version(tmp_path / "digits")
    with serve(tmp_path) as running:
        address = running.addresses[protocol]
        with connect(kind, address, "digits", retries=2) as client:
            client.generate(1)
            running.run(running.server.drain())
            start = time.monotonic()
            with pytest.raises(ServingError, match="stopping") as caught:
                client.generate(1)
    assert caught.value.code == Code.UNAVAILABLE
    assert 0.15 <= time.monotonic() - start < 5


def test_a_request_that_is_too_large(tmp_path, protocol, kind):
    """The server answers before it has read all of it."""
    write_version(tmp_path / "digits")
    z = np.random.default_rng(0).normal(size=(60_000, 3))
    with serve(tmp_path, max_body_bytes=2**16) as running:
        with connect(kind, running.addresses[protocol], "digits") as client:
            with pytest.raises(ServingError, match="65536|larger|more than"):
                client.decode(z)
            assert client.generate(2).shape == (2, 4, 4, 1)
