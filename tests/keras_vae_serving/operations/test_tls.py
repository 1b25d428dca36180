import shutil
import ssl
import subprocess

import pytest

from keras_vae_serving.operations.tls import TlsFiles

pytestmark = pytest.mark.once


def make(folder, name, *more):
    """A certificate and its key, of an elliptic curve: it is quick."""
    if shutil.which("openssl") is None:
        pytest.skip("There is no `openssl` here to make a certificate with.")
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
        f"-days 2 -subj /CN=localhost -keyout {key} -out {certificate}".split()
        + list(more or ["-nodes"]),
        check=True,
        capture_output=True,
        timeout=60,
    )
    return TlsFiles(certificate, key)


def test_a_good_pair(tmp_path):
    files = make(tmp_path, "one")
    files.check()
    assert files.grpc_credentials() is not None


def test_a_key_of_another_certificate(tmp_path):
    one, other = make(tmp_path, "one"), make(tmp_path, "other")
    with pytest.raises(ValueError, match="and of its key.*Received: .*openssl"):
        TlsFiles(one.certificate, other.key).check()
    with pytest.raises(ValueError, match="must be PEM files"):
        TlsFiles(one.key, one.certificate).check()


def test_a_key_with_a_password_is_not_asked_for(tmp_path):
    files = make(tmp_path, "one", "-passout", "pass:secret")
    with pytest.raises(ValueError, match="without a password"):
        files.check()


def test_files_that_are_none(tmp_path):
    files = TlsFiles(tmp_path / "a.pem", tmp_path / "a.key")
    with pytest.raises(FileNotFoundError, match=r"a\.pem"):
        files.check()
    for path in files:
        path.write_text("no PEM")
    with pytest.raises(ValueError, match="must be PEM files") as caught:
        files.check()
    assert isinstance(caught.value.__cause__, ssl.SSLError)
