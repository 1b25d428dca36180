"""A gRPC server with its limits, and the services on it."""

from collections.abc import Sequence

import grpc

from keras_vae_serving.beside import Beside
from keras_vae_serving.model_server import ModelServer
from keras_vae_serving.rpc import services
from keras_vae_serving.rpc.health import Health

_MAX_METADATA_BYTES = 16 * 1024
_HANDSHAKE_MS = 20_000
# A client whose call is answered, and who takes nothing for so long and says
# nothing for the next so long, is cut off.
_SILENCE_MS = 30_000
_PING_TIMEOUT_MS = 20_000


def create_server(
    model_server: ModelServer,
    health: Health,
    *,
    max_message_bytes: int = services.MAX_MESSAGE_BYTES,
    max_connections: int | None = None,
    timeout_s: float | None = None,
    beside: Beside | None = None,
    interceptors: Sequence[grpc.aio.ServerInterceptor] = (),
) -> grpc.aio.Server:
    """Returns a server without a port, not started yet.

    To be called on the event loop that it shall run on.

    Args:
        model_server: Answers the requests.
        health: What Health tells; call its `stop` before the server's.
        max_message_bytes: The largest request, also when it is unpacked.
        max_connections: How many connections there may be; the next ones
            are closed at once. `None` for any number.
        timeout_s: How long a prediction may take.
        beside: Where large messages are worked on; `None` to make it here.
        interceptors: What calls go through first, e.g. a check of API keys.
    """
    server = grpc.aio.server(
        interceptors=tuple(interceptors),
        options=_options(max_message_bytes, max_connections),
    )
    services.add_services(
        server,
        model_server,
        health,
        max_message_bytes=max_message_bytes,
        timeout_s=timeout_s,
        beside=beside,
    )
    return server


def _options(
    max_message_bytes: int, max_connections: int | None
) -> list[tuple[str, int]]:
    limits = []
    if max_connections is not None:
        limits = [("grpc.max_allowed_incoming_connections", max_connections)]
    return [
        *limits,
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MS),
        ("grpc.keepalive_time_ms", _SILENCE_MS),
        ("grpc.keepalive_timeout_ms", _PING_TIMEOUT_MS),
        ("grpc.max_receive_message_length", max_message_bytes),
        # An answer may be larger than its request: a model makes much of
        # few numbers, and has limits of its own.
        ("grpc.max_send_message_length", -1),
        ("grpc.max_metadata_size", _MAX_METADATA_BYTES),
        # A port that is taken is an error, not shared.
        ("grpc.so_reuseport", 0),
    ]
