"""The certificate and the key with which both protocols are encrypted."""

import pathlib
import ssl
from typing import NamedTuple

import grpc


class TlsFiles(NamedTuple):
    """A certificate, with those that vouch for it, and its key.

    Attributes:
        certificate: Path of a PEM file.
        key: Path of a PEM file.
    """

    certificate: pathlib.Path
    key: pathlib.Path

    def check(self) -> None:
        """Raises unless the two can be used together.

        Raises:
            OSError: if a file cannot be read.
            ValueError: if they are not what they should be.
        """
        for path in self:
            path.read_bytes()  # ssl does not say which it could not read.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # Without a password's source OpenSSL would ask on the terminal.
            context.load_cert_chain(
                self.certificate, self.key, password=lambda: b""
            )
        except ssl.SSLError as error:
            raise ValueError(
                "`--tls-certificate` and `--tls-key` must be PEM files of a "
                "certificate and of its key, without a password. Received: "
                f"{str(self.certificate)!r} and {str(self.key)!r} "
                f"({error.reason or error}). Make a pair to try it with "
                "`openssl req -x509 -newkey rsa:2048 -nodes -subj "
                "/CN=localhost -keyout key.pem -out certificate.pem`."
            ) from error

    def context(self) -> ssl.SSLContext:
        """Returns what HTTP is encrypted with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """Returns what gRPC encrypts with."""
        pair = (self.key.read_bytes(), self.certificate.read_bytes())
        return grpc.ssl_server_credentials([pair])
