"""The settings of the server, all in one place."""

import dataclasses
import ipaddress
import pathlib

from keras_vae_serving.batching.parameters import BatchingParameters
from keras_vae_serving.checks import InputLimits
from keras_vae_serving.ports import GRPC_PORT, REST_PORT
from keras_vae_serving.store.options import StoreOptions

_LOOPBACK_NAMES = ("localhost",)
_MIB = 2**20


@dataclasses.dataclass(frozen=True)
class ServerSettings:
    """What a server serves, where, and within which limits.

    Attributes:
        directory: A directory of models, of one model's versions, or of one
            version; `None` if `models_config_file` says what is served.
        models_config_file: TensorFlow Serving's `models.config`.
        model_name: What requests call the one model of `directory`; `None`
            for the directory's name.
        host: The address to listen on.
        rest_api_port: 0 for any free one, `None` for no REST.
        port: gRPC's; 0 for any free one, `None` for no gRPC.
        batching: `None` to run every request alone.
        num_threads: How many threads one run of a graph uses. More than one
            helps large models at the cost of other requests.
        store: How versions are looked for and loaded.
        models_config_poll_wait_seconds: How often `models_config_file` is
            read again; 0 for once.
        api_keys: Who may ask; none for everybody.
        requests_per_second: What one key may ask for.
        without_key: Listens on other addresses than loopback without a key.
        tls_certificate: Path of a PEM file; with `tls_key`, both protocols
            are encrypted.
        tls_key: Path of a PEM file.
        input_limits: How much one request may ask for.
        max_body_bytes: The largest body of a request, unpacked.
        max_body_bytes_in_flight: The bodies of all requests together; `None`
            for four of the largest.
        max_requests: How many requests are answered at once.
        max_connections: How many connections of a protocol there may be.
        max_header_bytes: The largest headers of a request.
        timeout_s: How long a request may take.
        header_timeout_s: How long a client may take to send its headers.
        write_timeout_s: How long a client may take nothing of its answer.
        grace_s: How long a server that stops waits for its requests.
        drain_s: How long it goes on answering 503 before it stops to
            listen, so that load balancers notice.
        enable_cors: Whether browsers of other sites may ask.
        access_log: Whether each request is logged as a line of JSON.

    Raises:
        ValueError: if they do not go together.
    """

    directory: pathlib.Path | None = None
    models_config_file: pathlib.Path | None = None
    model_name: str | None = None
    host: str = "127.0.0.1"
    rest_api_port: int | None = REST_PORT
    port: int | None = GRPC_PORT
    batching: BatchingParameters | None = dataclasses.field(
        default_factory=BatchingParameters
    )
    num_threads: int = 1
    store: StoreOptions = StoreOptions()
    models_config_poll_wait_seconds: float = 0.0
    api_keys: tuple[str, ...] = ()
    requests_per_second: float | None = None
    without_key: bool = False
    tls_certificate: pathlib.Path | None = None
    tls_key: pathlib.Path | None = None
    input_limits: InputLimits = InputLimits()
    max_body_bytes: int = 64 * _MIB
    max_body_bytes_in_flight: int | None = None
    max_requests: int = 1000
    max_connections: int = 10_000
    max_header_bytes: int = 32 * 1024
    timeout_s: float = 30.0
    header_timeout_s: float = 20.0
    write_timeout_s: float = 30.0
    grace_s: float = 30.0
    drain_s: float = 0.0
    enable_cors: bool = False
    access_log: bool = False

    @property
    def max_held_bytes(self) -> int:
        """How many bytes the bodies of all requests may have together."""
        given = self.max_body_bytes_in_flight
        return 4 * self.max_body_bytes if given is None else given

    def __post_init__(self) -> None:
        self._check_models()
        self._check_host()
        self._check_bodies()
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError(
                "`tls_certificate` and `tls_key` must be given together. "
                f"Received: tls_certificate={self.tls_certificate}, "
                f"tls_key={self.tls_key}. Give both, or none."
            )
        if self.rest_api_port is None and self.port is None:
            raise ValueError(
                "`rest_api_port` or `port` must be given. Received: neither. "
                f"Pass e.g. `rest_api_port={REST_PORT}`."
            )
        if self.requests_per_second is not None and not self.api_keys:
            raise ValueError(
                "`requests_per_second` is counted for each API key. Received: "
                f"requests_per_second={self.requests_per_second}, and no key. "
                "Give `--api-key-file`, or leave it out."
            )

    def _check_models(self) -> None:
        if (self.directory is None) == (self.models_config_file is None):
            raise ValueError(
                "Either `directory` or `models_config_file` must be given. "
                f"Received: directory={self.directory}, models_config_file="
                f"{self.models_config_file}. Call e.g. `keras-vae serve "
                "models`."
            )
        if self.models_config_file is not None and self.model_name is not None:
            raise ValueError(
                "`model_name` names the model of `directory`. Received: "
                f"model_name={self.model_name!r}, models_config_file="
                f"{self.models_config_file}, which names its models. Leave "
                "one of them out."
            )

    def _check_bodies(self) -> None:
        if self.max_held_bytes < self.max_body_bytes:
            raise ValueError(
                "`max_body_bytes_in_flight` must be at least `max_body_bytes`. "
                f"Received: {self.max_body_bytes_in_flight}, and "
                f"max_body_bytes={self.max_body_bytes}. Leave it out for four "
                "of the largest bodies."
            )

    def _check_host(self) -> None:
        if self.api_keys or self.without_key or is_loopback(self.host):
            return
        raise ValueError(
            "`host` must be a loopback address where no API key is asked "
            f"for: others could reach the server. Received: host="
            f"{self.host!r}. Give `--api-key-file`, or `--without-key` if "
            "something else keeps strangers out."
        )


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in _LOOPBACK_NAMES
