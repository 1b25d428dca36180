"""The options of `keras-vae serve`: standard library only."""

import argparse
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from keras_vae_serving.backends import UsageError
from keras_vae_serving.ports import GRPC_PORT, KEY_VARIABLE, REST_PORT

_EPILOG = f"""\
A key may also stand in the environment variable {KEY_VARIABLE}.

TensorFlow Serving's flags may be spelled as there: --rest_api_port=8501,
--enable_batching=false, --model_name, --model_base_path, ...

  curl http://127.0.0.1:{REST_PORT}/v1/models/NAME
  curl http://127.0.0.1:{REST_PORT}/v1/models/NAME:predict -d \\
    '{{"signature_name": "generate_rows",
      "instances": [{{"seed": 7, "temperature": 1.0}}]}}'

Ctrl+C or SIGTERM stops it: what is being answered is finished, what comes is
answered 503. A second one stops it at once.
"""
_TRUE = ("true", "t", "1", "yes", "y")
_FALSE = ("false", "f", "0", "no", "n")
_SWITCHES = (
    "--access-log",
    "--allow-version-labels-for-unavailable-models",
    "--enable-batching",
    "--enable-grpc-healthcheck-service",
    "--rest-api-enable-cors-support",
    "--without-key",
)
_OTHER_NAMES = {"--model-config-file": "--models-config-file"}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. Call `keras-vae serve --help`.")


def spelled_here(argv: Sequence[str]) -> list[str]:
    """Returns the arguments with TensorFlow Serving's spelling undone.

    There, names have underscores, and switches may be given a value.
    """
    found = []
    for argument in argv:
        name, equals, value = argument.partition("=")
        if not name.startswith("--"):
            found.append(argument)
            continue
        name = name.replace("_", "-")
        name = _OTHER_NAMES.get(name, name)
        if equals and name in _SWITCHES and value.lower() in _TRUE:
            found.append(name)
        elif equals and name in _SWITCHES and value.lower() in _FALSE:
            found.append(name.replace("--", "--no-", 1))
        else:
            found.append(name + equals + value)
    return found


def parser() -> argparse.ArgumentParser:
    """Returns what reads the options."""
    made = _Parser(
        prog="keras-vae serve",
        usage="keras-vae serve DIR [options]",
        description="Serve exported models with TensorFlow Serving's API, "
        "REST and gRPC,\nfrom their ONNX files.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_models(made)
    _add_network(made.add_argument_group("network"))
    _add_access(made.add_argument_group("access"))
    _add_versions(made.add_argument_group("versions"))
    _add_batching(made.add_argument_group("batching"))
    _add_limits(made.add_argument_group("limits"))
    _add_running(made.add_argument_group("running"))
    return made


def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "directory",
        nargs="?",
        type=pathlib.Path,
        metavar="DIR",
        help="models, as `keras-vae export` writes them: "
        "DIR/NAME/VERSION/manifest.json. Also the directory of one model, or "
        "of one version",
    )
    parser.add_argument(
        "--models-config-file",
        type=pathlib.Path,
        metavar="FILE",
        help="TensorFlow Serving's models.config, in place of DIR",
    )
    parser.add_argument(
        "--model-name",
        metavar="NAME",
        help="what requests call the one model of DIR (default: as its "
        "directory)",
    )
    parser.add_argument("--model-base-path", **_of_tf_serving(pathlib.Path))
    parser.add_argument("--monitoring-config-file", **_of_tf_serving(str))
    _add_switch(parser, "enable-grpc-healthcheck-service", argparse.SUPPRESS)


def _of_tf_serving(kind: Callable[[str], Any]) -> dict[str, Any]:
    """An option that is only there for who comes from there."""
    return {"type": kind, "help": argparse.SUPPRESS}


def _add_network(group: Any) -> None:
    group.add_argument(
        "--host",
        default="127.0.0.1",
        help="the address to listen on (default: 127.0.0.1, this machine "
        "alone; any other one asks for a key)",
    )
    for name, protocol, port in (
        ("--rest-api-port", "REST", REST_PORT),
        ("--port", "gRPC", GRPC_PORT),
    ):
        group.add_argument(
            name,
            type=_number(int, -1, 65535),
            default=port,
            metavar="PORT",
            help=f"of {protocol} (default: {port}; 0: any free one; -1: no "
            f"{protocol})",
        )
    for name in ("certificate", "key"):
        group.add_argument(
            f"--tls-{name}",
            type=pathlib.Path,
            metavar="PEM",
            help=f"the server's {name}; the two together turn TLS on",
        )
    _add_switch(
        group,
        "rest-api-enable-cors-support",
        "let pages of other sites ask",
    )


def _add_access(group: Any) -> None:
    group.add_argument(
        "--api-key-file",
        type=pathlib.Path,
        metavar="FILE",
        help="keys, one a line; who sends none of them, as `Authorization: "
        "Bearer KEY` or `X-API-Key: KEY`, is refused",
    )
    group.add_argument(
        "--requests-per-second",
        type=_number(float, 0.001),
        metavar="N",
        help="the most requests of one key (default: any number)",
    )
    _add_switch(
        group,
        "without-key",
        "listen on other addresses than loopback without a key",
    )


def _add_versions(group: Any) -> None:
    seconds = {"type": _number(float, 0), "metavar": "S"}
    counts = {"type": _number(int, 0), "metavar": "N"}
    group.add_argument(
        "--file-system-poll-wait-seconds",
        default=1.0,
        help="how often to look for new versions (default: 1; 0: once)",
        **seconds,
    )
    group.add_argument(
        "--model-config-file-poll-wait-seconds",
        default=0.0,
        help="how often to read the models' file again (default: 0, once)",
        **seconds,
    )
    group.add_argument(
        "--max-num-load-retries",
        default=5,
        help="how often to try to load a version again (default: 5)",
        **counts,
    )
    group.add_argument(
        "--load-retry-interval-micros",
        default=60_000_000,
        help="how long to wait before that (default: 60000000, a minute)",
        **counts,
    )
    group.add_argument(
        "--num-load-threads",
        default=2,
        type=_number(int, 1),
        metavar="N",
        help="how many versions to load at once (default: 2)",
    )
    _add_switch(
        group,
        "allow-version-labels-for-unavailable-models",
        "let labels name versions that are not loaded",
    )


def _add_batching(group: Any) -> None:
    group.add_argument(
        "--no-enable-batching",
        action="store_false",
        dest="enable_batching",
        help="run each request alone, and not the rows of concurrent ones "
        "together",
    )
    group.add_argument(
        "--enable-batching", action="store_true", help=argparse.SUPPRESS
    )
    group.add_argument(
        "--batching-parameters-file",
        type=pathlib.Path,
        metavar="FILE",
        help="TensorFlow Serving's batching parameters",
    )
    group.set_defaults(enable_batching=True)


def _add_limits(group: Any) -> None:
    mib = 2**20
    for name, default, text in (
        ("max-num-samples", 10_000, "images of one `generate`"),
        ("max-rows", 10_000, "rows of one request"),
        ("max-answer-bytes", 256 * mib, "bytes of one answer's numbers"),
        ("max-body-bytes", 64 * mib, "bytes of one request, unpacked"),
        ("max-header-bytes", 32 * 1024, "bytes of a request's headers"),
        ("max-requests", 1000, "requests at once; the next get 503"),
        ("max-connections", 10_000, "connections; the next get 503"),
    ):
        group.add_argument(
            f"--{name}",
            type=_number(int, 1),
            default=default,
            metavar="N",
            help=f"the most {text} (default: {default})",
        )
    group.add_argument(
        "--max-body-bytes-in-flight",
        type=_number(int, 1),
        metavar="N",
        help="the most bytes of all requests together; the next get 503 "
        "(default: four times --max-body-bytes)",
    )
    group.add_argument(
        "--rest-api-timeout-in-ms",
        type=_number(float, 1),
        default=30_000.0,
        metavar="MS",
        help="how long a request may take, of either protocol (default: 30000)",
    )
    seconds = {"type": _number(float, 0.001), "metavar": "S"}
    group.add_argument(
        "--header-timeout-seconds",
        default=20.0,
        help="how long a client may take to send its headers (default: 20)",
        **seconds,
    )
    group.add_argument(
        "--write-timeout-seconds",
        default=30.0,
        help="how long a client may take nothing of its answer before it is "
        "cut off (default: 30)",
        **seconds,
    )


def _add_running(group: Any) -> None:
    group.add_argument(
        "--num-threads",
        type=_number(int, 1),
        default=1,
        metavar="N",
        help="how many threads one run of a model uses (default: 1; more help "
        "large models, at the cost of other requests)",
    )
    seconds = {"type": _number(float, 0), "metavar": "S"}
    group.add_argument(
        "--grace-seconds",
        default=30.0,
        help="how long stopping waits for requests (default: 30)",
        **seconds,
    )
    group.add_argument(
        "--drain-seconds",
        default=0.0,
        help="how long stopping goes on answering 503, for load balancers "
        "to notice (default: 0)",
        **seconds,
    )
    _add_switch(
        group, "access-log", "log each request to stdout as a line of JSON"
    )


def _add_switch(group: Any, name: str, text: str) -> None:
    """Adds an option that is off, and that `=false` leaves off."""
    group.add_argument(f"--{name}", action="store_true", help=text)
    group.add_argument(
        f"--no-{name}",
        action="store_false",
        dest=name.replace("-", "_"),
        help=argparse.SUPPRESS,
    )
    group.set_defaults(**{name.replace("-", "_"): False})


def _number(
    kind: type[int] | type[float], smallest: float, largest: float = 2**63 - 1
) -> Callable[[str], float]:
    """Returns what reads a number within limits."""
    word = "a whole number" if kind is int else "a number"

    def read(text: str) -> float:
        try:
            number = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"must be {word}, not {text!r}"
            ) from None
        if not smallest <= number <= largest:
            limit = f"at least {smallest:g}"
            if largest < 2**63 - 1:
                limit = f"between {smallest:g} and {largest:g}"
            raise argparse.ArgumentTypeError(f"must be {limit}, not {text!r}")
        return number

    return read
