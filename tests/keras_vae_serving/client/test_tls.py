"""Encrypted connections, with an authority made for the test."""

import shutil
import subprocess

import numpy as np
import pytest

from keras_vae_serving.status import Code, ServingError
from tests.keras_vae_serving.client.both import connect
from tests.keras_vae_serving.client.served import serve
from tests.keras_vae_serving.directories import LINEAR, write_version

pytestmark = pytest.mark.once

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(folder, *arguments):
    subprocess.run(
        ["openssl", *arguments], cwd=folder, check=True, capture_output=True
    )


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """`ca.pem`, `other.pem`, and `server.pem` with `server.key` of `ca`."""
    if shutil.which("openssl") is None:
        pytest.skip(
            "The program openssl, which makes certificates, is missing."
        )
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("ca", "other"):
        names = ["-keyout", f"{name}.key", "-out", f"{name}.pem"]
        subject = ["-subj", f"/CN=test {name}", "-days", "2"]
        openssl(folder, "req", "-x509", *_KEY, *names, *subject)
    names = ["-keyout", "server.key", "-out", "server.csr"]
    openssl(folder, "req", *_KEY, *names, "-subj", "/CN=127.0.0.1")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl(
        folder,
        *("x509", "-req", "-in", "server.csr", "-out", "server.pem"),
        *("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-days", "2", "-extfile", "names"),
    )
    return folder


@pytest.fixture(scope="module")
def encrypted(certificates, tmp_path_factory):
    """The server, with TLS on both protocols."""
    models = tmp_path_factory.mktemp("models")
    write_version(models / "digits")
    pair = {
        "tls_certificate": certificates / "server.pem",
        "tls_key": certificates / "server.key",
    }
    with serve(models, **pair) as running:
        yield running


def test_an_authority_that_is_trusted(encrypted, certificates, protocol, kind):
    address = encrypted.addresses[protocol]
    ca = certificates / "ca.pem"
    with connect(kind, address, "digits", tls_ca=ca) as client:
        client.wait_until_ready(5)
        found = client.generate(2, 7)
    expected = LINEAR.generate(2, 7, np.float32(1))["x"]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("authority", [None, "other.pem"])
def test_an_authority_that_is_not(
    encrypted, certificates, protocol, kind, authority
):
    address = encrypted.addresses[protocol]
    ca = authority and certificates / authority
    with connect(kind, address, "digits", tls_ca=ca, retries=0) as client:
        with pytest.raises(
            ServingError, match="could not be reached"
        ) as caught:
            client.generate(2, 7)
    assert caught.value.code == Code.UNAVAILABLE
    assert "CERTIFICATE_VERIFY_FAILED" in caught.value.message


def test_a_name_that_is_not_the_certificates(
    encrypted, certificates, protocol, kind
):
    address = encrypted.addresses[protocol].replace("127.0.0.1", "localhost")
    ca = certificates / "ca.pem"
    with connect(kind, address, "digits", tls_ca=ca, retries=0) as client:
        with pytest.raises(ServingError, match="could not be reached"):
            client.generate(2, 7)


def test_a_client_that_does_not_encrypt(encrypted, protocol, kind):
    address = encrypted.addresses[protocol]
    plain = address.replace("https", "http").removeprefix("grpcs://")
    options = {"retries": 0, "timeout_s": 2}
    with connect(kind, plain, "digits", **options) as client:
        with pytest.raises(ServingError) as caught:
            client.generate(2, 7)
    assert caught.value.code != Code.OK


def test_a_server_that_does_not_encrypt(served, protocol, kind):
    address = served.addresses[protocol].replace("http", "https")
    if protocol == "grpc":
        address = f"grpcs://{address}"
    with connect(kind, address, "digits", retries=0) as client:
        with pytest.raises(ServingError, match="could not be reached"):
            client.generate(2, 7)
