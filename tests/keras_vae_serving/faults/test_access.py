"""Who may ask: keys, their rates, TLS, and what is told of it."""

import json
import shutil
import subprocess

import grpc
import numpy as np
import pytest

from keras_vae_serving import Client
from keras_vae_serving.rpc import messages
from tests.keras_vae_serving.faults.served import call, requests
from tests.keras_vae_serving.rpc.loopback import CHECK, RELOAD, STATUS

pytestmark = [pytest.mark.once, pytest.mark.slow]

KEY = "the-first-key-of-this-test"
OTHER = "another-key-of-this-test"
WRONG = "a-key-that-nobody-was-given"
Z = np.array([[1, 2, 3]], "float32")


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"# two of them\n{KEY}\n\n{OTHER}  # the second\n")
    return path


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def code_of(server, metadata=(), path=None):
    """The code of a call; of `Predict` unless a path is given."""
    with server.channel() as channel:
        try:
            if path is None:
                call(channel, Z, metadata=list(metadata))
            else:
                request = requests.status("digits").SerializeToString()
                channel.unary_unary(path)(
                    request, timeout=20, metadata=list(metadata)
                )
        except grpc.RpcError as error:
            return error.code().name
    return "OK"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "UNAUTHENTICATED"),
        (bearer(WRONG), 401, "UNAUTHENTICATED"),
        (bearer(KEY + "x"), 401, "UNAUTHENTICATED"),
        (bearer(""), 401, "UNAUTHENTICATED"),
        ({"X-API-Key": WRONG}, 401, "UNAUTHENTICATED"),
        ({"Authorization": KEY}, 401, "UNAUTHENTICATED"),
        (bearer(KEY), 200, "OK"),
        (bearer(OTHER), 200, "OK"),
        ({"X-API-Key": KEY}, 200, "OK"),
        ({"authorization": f"bearer {KEY}"}, 200, "OK"),
    ],
)
def test_keys_are_asked_for(with_keys, headers, status, code):
    server = with_keys
    assert server.decode(Z, headers=headers)[0] == status
    metadata = [(name.lower(), value) for name, value in headers.items()]
    assert code_of(server, metadata) == code
    for path in ("/v1/models/digits", "/metrics", "/openapi.json"):
        assert server.ask(path, headers=headers)[0] == status
    assert code_of(server, metadata, STATUS) == code


@pytest.fixture(scope="module")
def with_keys(shared_server, tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "keys"
    path.write_text(f"{KEY}\n{OTHER}\n")
    return shared_server(f"--api-key-file={path}")


def test_without_a_key_nothing_is_configured_either(with_keys):
    assert code_of(with_keys, path=RELOAD) == "UNAUTHENTICATED"


def test_a_body_is_not_read_for_who_has_no_key(with_keys):
    status, headers, _ = with_keys.ask_all(
        "/v1/models/digits:predict", b" " * 3_000_000
    )
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert headers["connection"] == "close"


def test_probes_need_no_key(with_keys):
    assert with_keys.ask("/healthz")[0] == 200
    assert with_keys.ready()
    with with_keys.channel() as channel:
        answer = channel.unary_unary(CHECK)(b"", timeout=20)
    found = messages.HealthCheckResponse.FromString(answer)
    assert found.status == messages.HealthCheckResponse.SERVING


def test_a_key_may_stand_in_the_environment(serve, models):
    server = serve(models, environment={"KERAS_VAE_API_KEY": KEY})
    assert server.decode(Z)[0] == 401
    assert server.decode(Z, headers=bearer(KEY))[0] == 200


def test_a_key_makes_only_so_many_requests(serve, models, key_file):
    server = serve(
        models, f"--api-key-file={key_file}", "--requests-per-second=5"
    )
    found = [
        server.ask_all("/v1/models/digits", headers=bearer(KEY))
        for _ in range(15)
    ]
    statuses = [status for status, _, _ in found]
    assert statuses[:5] == [200] * 5
    assert 6 <= statuses.count(429) <= 10
    assert {*statuses} == {200, 429}
    _, headers, text = next(one for one in found if one[0] == 429)
    assert headers["retry-after"] == "1"
    assert json.loads(text)["error"] == (
        "This API key makes too many requests: try again in 1 s"
    )
    metadata = [("x-api-key", KEY)]
    codes = [code_of(server, metadata) for _ in range(10)]
    assert "RESOURCE_EXHAUSTED" in codes
    # The other key has a rate of its own, and probes have none.
    assert server.decode(Z, headers=bearer(OTHER))[0] == 200
    assert server.ready()


def test_the_log_holds_no_key(serve, models, key_file):
    server = serve(models, f"--api-key-file={key_file}", "--access-log")
    for key in (KEY, WRONG):
        server.decode(Z, headers={**bearer(key), "User-Agent": 'a"\tb'})
        server.ask(f"/v1/models/x?key={key}", headers={"X-API-Key": key})
        code_of(server, [("x-api-key", key)])
    server.ask(f"/v1/models/{'x' * 5000}%0a{{}}", headers=bearer(KEY))
    server.signal()
    assert server.ended() == 0
    lines = [json.loads(line) for line in server.logged()]
    assert len(lines) == 7
    rest = [one for one in lines if one["protocol"] == "rest"]
    rpc = [one for one in lines if one["protocol"] == "grpc"]
    assert [one["status"] for one in rest] == [200, 404, 401, 401, 404]
    assert [one["code"] for one in rpc] == ["OK", "UNAUTHENTICATED"]
    assert rest[0]["user_agent"] == 'a"\tb'
    assert {one["client"] for one in rest} == {"127.0.0.1"}
    assert all(one["ms"] >= 0 and "time" in one for one in lines)
    assert max(map(len, server.logged())) < 1000
    everything = "\n".join(server.logged() + server.said())
    assert KEY not in everything and WRONG not in everything


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The options of a certificate for localhost, and its path."""
    if shutil.which("openssl") is None:
        pytest.skip("There is no `openssl` here to make a certificate with.")
    folder = tmp_path_factory.mktemp("tls")
    make = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
        " -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
        " -keyout key.pem -out certificate.pem"
    )
    subprocess.run(
        make.split(), cwd=folder, check=True, capture_output=True, timeout=60
    )
    return folder / "certificate.pem", folder / "key.pem"


def test_tls_on_both_protocols(serve, models, pair, key_file):
    certificate, key = pair
    server = serve(
        models,
        f"--tls-certificate={certificate}",
        f"--tls-key={key}",
        f"--api-key-file={key_file}",
    )
    assert "REST https://127.0.0.1:" in server.said()[0]
    rest = f"https://localhost:{server.rest_port}"
    rpc = f"grpcs://localhost:{server.grpc_port}"
    for address in (rest, rpc):
        options = {"api_key": KEY, "tls_ca": certificate, "retries": 0}
        with Client(address, "digits", **options) as client:
            assert client.decode(Z).shape == (1, 4, 4, 1)
        # Who does not trust the certificate, and who speaks in clear text.
        for bad in (address, address.replace("s://", "://", 1)):
            bad = bad.replace("grpc://", "")
            with Client(bad, "digits", api_key=KEY, retries=0) as client:
                with pytest.raises(Exception, match="."):
                    client.decode(Z)
    with Client(rest, "digits", **{**options, "api_key": None}) as client:
        with pytest.raises(Exception, match="valid API key"):
            client.decode(Z)
    server.signal()
    assert server.ended(6) == 0
    assert len(server.said()) == 2
