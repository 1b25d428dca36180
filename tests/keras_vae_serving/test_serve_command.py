"""The options of `keras-vae serve`, and what becomes of them."""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import time

import pytest

from keras_vae_serving import command, serve_command
from keras_vae_serving.backends import UsageError
from keras_vae_serving.batching import BatchingParameters
from keras_vae_serving.serve_options import parser, spelled_here
from keras_vae_serving.settings import ServerSettings
from tests.keras_vae_serving.directories import write_version

pytestmark = pytest.mark.once

KEY = "a-key-of-sixteen-characters"
MODELS = pathlib.Path("models")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory; it holds `models` with one model."""
    write_version(tmp_path / "models" / "digits")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(serve_command.KEY_VARIABLE, raising=False)
    return tmp_path


def settings(*arguments):
    options = parser().parse_args(spelled_here(arguments))
    return serve_command.settings_of(options)


def test_the_defaults_are_those_of_the_settings(folder):
    assert settings("models") == ServerSettings(MODELS)


def test_the_help_comes_soon_and_without_the_libraries():
    heavy = ["numpy", "grpc", "onnxruntime", "starlette", "uvicorn", "keras"]
    script = (
        "import sys\nfrom keras_vae_serving.command import main\n"
        "try:\n    main(['serve', '--help'])\n"
        "except SystemExit as end:\n    code = end.code\n"
        f"found = [one for one in {heavy} if one in sys.modules]\n"
        "raise SystemExit(code or ' '.join(found) or 0)"
    )
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=20,
        )
        seconds.append(time.perf_counter() - start)
        assert (done.returncode, done.stderr) == (0, "")
    assert "usage: keras-vae serve DIR [options]" in done.stdout
    assert min(seconds) < 0.3


def test_the_help_is_for_newcomers():
    text = parser().format_help()
    assert max(map(len, text.splitlines())) <= 80
    for word in ("DIR/NAME/VERSION", "curl", "Ctrl+C", "KERAS_VAE_API_KEY"):
        assert word in text
    assert "_number" not in text and "default: None" not in text
    # Each option of a group tells its default, or is a file or a switch.
    silent = {"FILE", "PEM", "NAME", "MODELS"}
    for name, metavar, rest in re.findall(
        r"^  (--[\w-]+) ([A-Z]+)\b((?:.*\n(?!  -|\n))*.*)", text, re.MULTILINE
    ):
        assert metavar in silent or "(default" in rest, name


def test_the_default_of_the_help_is_the_true_one():
    made = parser()
    for action in made._actions:
        found = re.search(r"\(default: (\d+)", action.help or "")
        if found and action.dest != "host":
            assert float(found.group(1)) == action.default, action.dest


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("--rest_api_port=0", ["--rest-api-port=0"]),
        ("--model_config_file=a_b", ["--models-config-file=a_b"]),
        ("--model-config-file", ["--models-config-file"]),
        ("--enable_batching", ["--enable-batching"]),
        ("--enable_batching=true", ["--enable-batching"]),
        ("--enable_batching=False", ["--no-enable-batching"]),
        ("--access-log=0", ["--no-access-log"]),
        ("--host=a_b", ["--host=a_b"]),
        ("--max-rows=1", ["--max-rows=1"]),
        ("my_models", ["my_models"]),
        ("-h", ["-h"]),
    ],
)
def test_flags_may_be_spelled_as_in_tensorflow_serving(theirs, ours):
    assert spelled_here([theirs]) == ours


def test_every_flag_has_both_spellings():
    made = parser()
    names = [
        name
        for action in made._actions
        for name in action.option_strings
        if name.startswith("--")
    ]
    assert len(names) > 30
    for name in names:
        assert spelled_here(
            [name.replace("-", "_").replace("__", "--", 1)]
        ) == [name]


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        (["models", "--port=-1"], "port", None),
        (["models", "--rest_api_port", "0"], "rest_api_port", 0),
        (["models", "--no-enable-batching"], "batching", None),
        (["models", "--enable_batching=false"], "batching", None),
        (["models", "--enable_batching"], "batching", BatchingParameters()),
        (["models", "--rest_api_timeout_in_ms=500"], "timeout_s", 0.5),
        (["models", "--header-timeout-seconds=2"], "header_timeout_s", 2.0),
        (["models", "--write-timeout-seconds=3"], "write_timeout_s", 3.0),
        (["models", "--grace-seconds=0"], "grace_s", 0.0),
        (["models", "--drain-seconds=1.5"], "drain_s", 1.5),
        (["models", "--max-requests=7"], "max_requests", 7),
        (["models", "--max-connections=7"], "max_connections", 7),
        (["models", "--max-body-bytes=7"], "max_body_bytes", 7),
        (["models"], "max_held_bytes", 256 * 2**20),
        (["models", "--max-body-bytes=7"], "max_held_bytes", 28),
        (
            ["models", "--max-body-bytes=7", "--max_body_bytes_in_flight=9"],
            "max_held_bytes",
            9,
        ),
        (["models", "--num-threads=3"], "num_threads", 3),
        (["models", "--max-header-bytes=7"], "max_header_bytes", 7),
        (["models", "--access-log"], "access_log", True),
        (["models", "--rest_api_enable_cors_support"], "enable_cors", True),
        (["models", "--model_name=a"], "model_name", "a"),
        (["models"], "model_name", None),
        (["--model_base_path=models"], "model_name", "default"),
        (["--model_base_path=models"], "directory", MODELS),
        (
            [
                "--model_config_file=m",
                "--model_config_file_poll_wait_seconds=2",
            ],
            "models_config_poll_wait_seconds",
            2.0,
        ),
        (
            ["models", "--host=0.0.0.0", "--without-key"],
            "host",
            "0.0.0.0",
        ),
    ],
)
def test_what_options_set(folder, arguments, name, value):
    assert getattr(settings(*arguments), name) == value


def test_what_is_set_inside_of_settings(folder):
    found = settings(
        "models",
        "--max-rows=3",
        "--max-num-samples=4",
        "--max-answer-bytes=9",
        "--file_system_poll_wait_seconds=5",
        "--max_num_load_retries=6",
        "--load_retry_interval_micros=7",
        "--num_load_threads=8",
        "--allow_version_labels_for_unavailable_models",
    )
    limits, store = found.input_limits, found.store
    assert (limits.max_rows, limits.max_num_samples) == (3, 4)
    assert limits.max_answer_bytes == 9
    assert store.file_system_poll_wait_seconds == 5
    assert store.max_num_load_retries == 6
    assert store.load_retry_interval_micros == 7
    assert store.num_load_threads == 8
    assert store.allow_version_labels_for_unavailable_models


def test_keys_come_from_the_file_and_the_environment(folder, monkeypatch):
    (folder / "keys").write_text(f"{KEY}-1\n# none\n{KEY}-2\n")
    option = "--api-key-file=keys"
    assert settings("models", option).api_keys == (f"{KEY}-1", f"{KEY}-2")
    monkeypatch.setenv(serve_command.KEY_VARIABLE, KEY)
    assert settings("models").api_keys == (KEY,)
    assert settings("models", option).api_keys[0] == KEY


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--port=65536", "must be between -1 and 65535, not '65536'"),
        ("--port=-2", "must be between -1 and 65535, not '-2'"),
        ("--port=x", "must be a whole number, not 'x'"),
        ("--max-rows=0", "must be at least 1, not '0'"),
        ("--max-rows=1.5", "must be a whole number, not '1.5'"),
        ("--grace-seconds=-1", "must be at least 0, not '-1'"),
        ("--grace-seconds=nan", "must be at least 0, not 'nan'"),
        ("--grace-seconds=inf", "must be at least 0, not 'inf'"),
        ("--requests-per-second=0", "must be at least 0.001, not '0'"),
        ("--prot=1", "unrecognized arguments: --prot=1"),
        ("--access-log=maybe", "ignored explicit argument 'maybe'"),
    ],
)
def test_bad_values(argument, message):
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        serve_command.main(["models", argument])
    assert "Call `keras-vae serve --help`." in str(caught.value)


@pytest.mark.parametrize(
    ("files", "arguments", "message"),
    [
        ({}, [], "Either `directory` or `models_config_file` must be"),
        ({}, ["nothing"], "'nothing', which is no directory. Make one"),
        ({"here/a": ""}, ["here"], "'here', which holds none. Make one"),
        ({"here": ""}, ["here"], "'here', which is no directory"),
        (
            {"a.config": "model_config_list { config { nam: 'x' } }"},
            ["--models-config-file=a.config"],
            "a.config",
        ),
        ({}, ["--model_config_file=a.config"], "a.config"),
        (
            {"batching": "max_batch_size { value: 0 }"},
            ["models", "--batching-parameters-file=batching"],
            "`max_batch_size` must be at least 1. Received: max_batch_size=0",
        ),
        (
            {"batching": "max_batch_sise { value: 1 }"},
            ["models", "--batching_parameters_file", "batching"],
            "'batching' must be a file of batching parameters",
        ),
        (
            {},
            ["models", "--batching-parameters-file=batching"],
            "'batching' cannot be read: No such file or directory.",
        ),
        (
            {"batching": ""},
            [
                "models",
                "--batching-parameters-file=batching",
                "--no-enable-batching",
            ],
            "with `--no-enable-batching`. Leave one of them out.",
        ),
        (
            {},
            ["models", "--max-body-bytes-in-flight=9"],
            "must be at least `max_body_bytes`. Received: 9, and max_body_b",
        ),
        ({}, ["models", "--host=0.0.0.0"], "Give `--api-key-file`, or"),
        ({}, ["models", "--host=::"], "must be a loopback address"),
        (
            {},
            ["models", "--host=no-such-host.invalid", "--without-key"],
            "`--host` must be an address of this machine",
        ),
        (
            {},
            ["models", "--host=192.0.2.1", "--without-key"],
            "Nothing can listen on 192.0.2.1:8501",
        ),
        ({"keys": "short"}, ["models", "--api-key-file=keys"], "at least 16"),
        ({"keys": "#"}, ["models", "--api-key-file=keys"], "holds none"),
        ({}, ["models", "--api-key-file=keys"], "'keys' cannot be read"),
        ({}, ["models", "--requests-per-second=3"], "for each API key"),
        ({}, ["models", "--tls-key=key.pem"], "must be given together"),
        (
            {"key.pem": "x", "certificate.pem": "y"},
            [
                "models",
                "--tls-key=key.pem",
                "--tls-certificate=certificate.pem",
            ],
            "must be PEM files of a certificate and of its key",
        ),
        (
            {"key.pem": "x"},
            [
                "models",
                "--tls-key=key.pem",
                "--tls-certificate=certificate.pem",
            ],
            "'certificate.pem' cannot be read",
        ),
        (
            {},
            ["models", "--port=-1", "--rest-api-port=-1"],
            "`rest_api_port` or `port` must be given",
        ),
        ({}, ["models", "--prot=1"], "unrecognized arguments: --prot=1. Call"),
        ({}, ["models", "--max-rows=x"], "must be a whole number, not 'x'"),
        (
            {},
            ["models", "--model_base_path=models"],
            "`DIR` or `--model-base-path` must be given, not both",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    folder, capsys, files, arguments, message
):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert command.main(["serve", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Error: ") and said.err.count("\n") == 1
    assert message in said.err


@pytest.fixture
def told(monkeypatch):
    """`told(code)` has the server end with it; returns its settings."""
    from keras_vae_serving import server

    found = []

    def tell(code):
        def run(given, say):
            found.append(given)
            say("It was run.")
            return code

        monkeypatch.setattr(server, "run", run)
        return found

    return tell


def test_the_server_is_run(folder, told, capsys):
    found = told(0)
    assert command.main(["serve", "models", "--port=-1"]) == 0
    assert found == [ServerSettings(MODELS, port=None)]
    assert capsys.readouterr().err == "It was run.\n"


def test_runs_that_cannot_be_ended_do_not_keep_the_process(
    folder, told, monkeypatch
):
    told(1)
    ends = []
    monkeypatch.setattr(os, "_exit", ends.append)
    serve_command.main(["models"])
    assert ends == [1]


def test_nobody_needs_to_read_what_is_said(monkeypatch):
    class Closed:
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Closed())
    serve_command._say("nothing")


def test_uvloop_is_used_where_it_is(folder, monkeypatch):
    """Otherwise the test of its absence would prove nothing."""
    if importlib.util.find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed; it is not for Windows.")
    import uvloop

    class Used(Exception):
        pass

    def run(main):
        main.close()
        raise Used

    monkeypatch.setattr(uvloop, "run", run)
    with pytest.raises(Used):
        serve_command.main(["models", "--port=0", "--rest-api-port=0"])
