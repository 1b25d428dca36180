"""`keras-vae serve`: what becomes of its options, and of bad ones."""

import argparse
import contextlib
import os
import pathlib
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from keras_vae_serving.backends import UsageError
from keras_vae_serving.ports import KEY_VARIABLE
from keras_vae_serving.serve_options import parser as _parser
from keras_vae_serving.serve_options import spelled_here
from keras_vae_serving.status import ServingError


def main(argv: Sequence[str]) -> int:
    """Serves until it is told to stop; returns the exit code.

    Raises:
        UsageError: if an option is bad, or a library is missing.
    """
    options = _parser().parse_args(spelled_here(argv))
    # Else its core tells stderr of each client that breaks off.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    try:
        from keras_vae_serving import server
    except ImportError as error:
        raise UsageError(
            f"`keras-vae serve` needs `{error.name}`, which is not installed. "
            'Install it with: pip install "keras-vae[serving]"'
        ) from error
    try:
        code = server.run(settings_of(options), say=_say)
    except (ValueError, TypeError, OSError, ServingError) as error:
        raise UsageError(_in_one_line(error)) from error
    if code:
        _leave(code)
    return code


def _say(text: str) -> None:
    # Nobody may be reading any more.
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def _in_one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{str(error.filename)!r} cannot be read: {error.strerror}."
    return " ".join(str(error).split())


def _leave(code: int) -> NoReturn:
    """Ends the process, although runs go on that nothing can end."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def settings_of(options: argparse.Namespace) -> Any:
    """Returns the server's settings.

    Raises:
        ValueError: if the options do not go together.
        OSError: if a file cannot be read.
    """
    from keras_vae_serving.checks import InputLimits
    from keras_vae_serving.settings import ServerSettings

    directory, name = _model(options)
    return ServerSettings(
        directory=directory,
        models_config_file=options.models_config_file,
        model_name=name,
        host=options.host,
        rest_api_port=_port(options.rest_api_port),
        port=_port(options.port),
        batching=_batching(options),
        num_threads=options.num_threads,
        store=_store(options),
        models_config_poll_wait_seconds=(
            options.model_config_file_poll_wait_seconds
        ),
        api_keys=_keys(options.api_key_file),
        requests_per_second=options.requests_per_second,
        without_key=options.without_key,
        tls_certificate=options.tls_certificate,
        tls_key=options.tls_key,
        input_limits=InputLimits(
            options.max_num_samples, options.max_rows, options.max_answer_bytes
        ),
        max_body_bytes=options.max_body_bytes,
        max_body_bytes_in_flight=options.max_body_bytes_in_flight,
        max_requests=options.max_requests,
        max_connections=options.max_connections,
        max_header_bytes=options.max_header_bytes,
        timeout_s=options.rest_api_timeout_in_ms / 1000,
        header_timeout_s=options.header_timeout_seconds,
        write_timeout_s=options.write_timeout_seconds,
        grace_s=options.grace_seconds,
        drain_s=options.drain_seconds,
        enable_cors=options.rest_api_enable_cors_support,
        access_log=options.access_log,
    )


def _model(
    options: argparse.Namespace,
) -> tuple[pathlib.Path | None, str | None]:
    """Returns the directory, and the name of the one model in it."""
    name = options.model_name
    if options.model_base_path is None:
        return options.directory, name
    if options.directory is not None:
        raise ValueError(
            "`DIR` or `--model-base-path` must be given, not both. Received: "
            f"{str(options.directory)!r} and "
            f"{str(options.model_base_path)!r}. Leave one of them out."
        )
    # TensorFlow Serving's name for a model that is given none.
    return options.model_base_path, name or "default"


def _store(options: argparse.Namespace) -> Any:
    from keras_vae_serving.store.options import StoreOptions

    labels = options.allow_version_labels_for_unavailable_models
    return StoreOptions(
        file_system_poll_wait_seconds=options.file_system_poll_wait_seconds,
        max_num_load_retries=options.max_num_load_retries,
        load_retry_interval_micros=options.load_retry_interval_micros,
        num_load_threads=options.num_load_threads,
        allow_version_labels_for_unavailable_models=labels,
    )


def _batching(options: argparse.Namespace) -> Any:
    from keras_vae_serving.batching import BatchingParameters, file

    if not options.enable_batching:
        if options.batching_parameters_file is not None:
            raise ValueError(
                "`--batching-parameters-file` says how requests are batched. "
                f"Received: {str(options.batching_parameters_file)!r} with "
                "`--no-enable-batching`. Leave one of them out."
            )
        return None
    if options.batching_parameters_file is None:
        return BatchingParameters()
    return file.read(options.batching_parameters_file)


def _keys(file: pathlib.Path | None) -> tuple[str, ...]:
    from keras_vae_serving.operations.keys import read_keys

    keys = [os.environ[KEY_VARIABLE]] if os.environ.get(KEY_VARIABLE) else []
    if file is not None:
        keys += read_keys(file.read_text(encoding="utf-8"))
        if not keys:
            raise ValueError(
                "`--api-key-file` must hold a key a line. Received: "
                f"{str(file)!r}, which holds none. Leave the option out to "
                "ask for no key."
            )
    return tuple(keys)


def _port(number: int) -> int | None:
    return None if number < 0 else number
