import pathlib

import pytest

from keras_vae_serving.settings import ServerSettings, is_loopback

pytestmark = pytest.mark.once

MODELS = pathlib.Path("models")
KEY = "a-key-of-sixteen-characters"


def test_it_listens_on_this_machine_alone():
    settings = ServerSettings(MODELS)
    assert is_loopback(settings.host)
    assert (settings.rest_api_port, settings.port) == (8501, 8500)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.7", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_loopback(host, expected):
    assert is_loopback(host) is expected
    if not expected:
        message = f"must be a loopback .*Received: host='{host}'.*--api-key"
        with pytest.raises(ValueError, match=message):
            ServerSettings(MODELS, host=host)
        ServerSettings(MODELS, host=host, api_keys=(KEY,))
        ServerSettings(MODELS, host=host, without_key=True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "Either `directory` or `models_config_file` must be given"),
        ({"directory": MODELS, "models_config_file": MODELS}, "Either `dir"),
        ({"directory": MODELS, "tls_key": MODELS}, "must be given together"),
        (
            {"directory": MODELS, "port": None, "rest_api_port": None},
            "`rest_api_port` or `port` must be given",
        ),
        (
            {"directory": MODELS, "requests_per_second": 3.0},
            "for each API key. Received: requests_per_second=3.0",
        ),
        (
            {"models_config_file": MODELS, "model_name": "a"},
            "`model_name` names the model of `directory`. Received: model_n",
        ),
    ],
)
def test_what_does_not_go_together(values, message):
    with pytest.raises(ValueError, match=message):
        ServerSettings(**values)
