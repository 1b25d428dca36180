"""`keras-vae serve` as a process of its own, and ways to ask it."""

import http.client
import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import sys
import time

import grpc
import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from tests.keras_vae_serving.directories import LINEAR
from tests.keras_vae_serving.rpc import requests
from tests.keras_vae_serving.rpc.loopback import PREDICT, RESPONSES

TIMEOUT_S = 20
# The command itself, and the command with models that take their time.
COMMAND = (
    "-c",
    "from keras_vae_serving.command import main; raise SystemExit(main())",
)
SLOW = (str(pathlib.Path(__file__).with_name("slow.py")),)
MIB = 2**20


class Served:
    """A server's process, for as long as a block runs.

    Args:
        folder: Where it writes what it says.
        arguments: The command line, after `serve`.
        program: What Python runs.
        environment: Added to this process's own.
        wait: Whether to wait until it is ready.

    Attributes:
        rest_port, grpc_port: What it listens on, once it has said so.
    """

    def __init__(
        self,
        folder,
        *arguments,
        program=COMMAND,
        environment=(),
        wait=True,
        ports=("--port=0", "--rest-api-port=0"),
    ):
        self.rest_port = self.grpc_port = None
        self._arguments = [*program, "serve", *ports, *map(str, arguments)]
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            **dict(environment),
        }
        self._environment.pop("KERAS_BACKEND", None)
        self._wait = wait
        self._paths = [
            pathlib.Path(folder) / name for name in ("stdout", "stderr")
        ]

    def __enter__(self):
        out, err = [path.open("wb") for path in self._paths]
        with out, err:
            self.process = subprocess.Popen(
                [sys.executable, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=self._environment,
            )
        if self._wait:
            self.wait_ready()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(TIMEOUT_S)

    # --- The process ----------------------------------------------------------

    def wait_ready(self):
        """Waits until it says where it listens."""
        line = self.wait_said("Serving .*: ")
        for attribute, protocol in (
            ("rest_port", r"REST \S+"),
            ("grpc_port", r"gRPC \S+"),
        ):
            found = re.search(protocol + r":(\d+)", line)
            setattr(self, attribute, found and int(found.group(1)))

    def said(self):
        """The lines on its stderr."""
        return self._paths[1].read_text("utf-8").splitlines()

    def logged(self):
        """The lines on its stdout."""
        return self._paths[0].read_text("utf-8").splitlines()

    def wait_said(self, pattern, seconds=TIMEOUT_S):
        """Waits for a line on its stderr, and returns it."""

        def find():
            # What is not ended by a new line is still being written.
            text = self._paths[1].read_text("utf-8").rpartition("\n")[0]
            found = [x for x in text.splitlines() if re.search(pattern, x)]
            if not found and self.process.poll() is not None:
                raise AssertionError(f"It ended: {self.said()}")
            return found

        return wait_for(find, seconds)[0]

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def ended(self, seconds=TIMEOUT_S):
        """Waits for its end, and returns its exit code."""
        return self.process.wait(seconds)

    def memory_mib(self, field="VmRSS"):
        """Its memory now, or the most it had (`VmHWM`)."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+) kB", text).group(1)) / 1024

    # --- Questions ------------------------------------------------------------

    def ask(self, path, body=None, headers=(), **options):
        """Returns the status and the JSON, or the text, of an answer."""
        status, _, text = self.ask_all(path, body, headers, **options)
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text.decode()

    def ask_all(
        self,
        path,
        body=None,
        headers=(),
        *,
        method=None,
        host="127.0.0.1",
        tls=None,
        timeout=TIMEOUT_S,
    ):
        """Returns the status, the headers and the body of an answer."""
        connection = connect(host, self.rest_port, timeout, tls)
        try:
            method = method or ("GET" if body is None else "POST")
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def decode(self, z, **options):
        """Asks for images over REST; returns the status and the answer."""
        return self.ask("/v1/models/digits:predict", body_of(z), **options)

    def ready(self):
        return self.ask("/readyz")[0] == 200

    def states(self, name="digits"):
        """By version, its state and its message."""
        _, answer = self.ask(f"/v1/models/{name}")
        return {
            int(one["version"]): (
                one["state"],
                one["status"]["error_message"],
            )
            for one in answer.get("model_version_status", ())
        }

    def metrics(self, **options):
        """Every sample's name and labels, and its value."""
        status, _, text = self.ask_all("/metrics", **options)
        assert status == 200, text
        return {
            (one.name, frozenset(one.labels.items())): one.value
            for family in text_string_to_metric_families(text.decode())
            for one in family.samples
        }

    def metric(self, name, **labels):
        key = (f"keras_vae_serving_{name}", frozenset(labels.items()))
        return self.metrics().get(key)

    def in_flight(self, protocol):
        return self.metric("requests_in_flight", protocol=protocol)

    def wait_idle(self):
        """Waits until nothing is being answered.

        A call's place is free once its answer is on its way, a moment after
        the client has it.
        """
        for protocol in ("rest", "grpc"):
            wait_for(lambda p=protocol: self.in_flight(p) == 0)

    def channel(self, host="127.0.0.1", **options):
        return grpc.insecure_channel(
            f"{host}:{self.grpc_port}", list(options.items())
        )


def connect(host, port, timeout=TIMEOUT_S, tls=None):
    if tls is None:
        return http.client.HTTPConnection(host, port, timeout=timeout)
    context = ssl.create_default_context(cafile=tls)
    return http.client.HTTPSConnection(
        host, port, timeout=timeout, context=context
    )


def body_of(z):
    rows = np.asarray(z, "float32").tolist()
    return json.dumps({"signature_name": "decode", "instances": rows})


def call(channel, z, timeout=TIMEOUT_S, **options):
    """Asks for images over gRPC; returns the answer's array."""
    request = requests.predict("decode", model="digits", z=z)
    answer = channel.unary_unary(PREDICT)(
        request.SerializeToString(), timeout=timeout, **options
    )
    tensor = RESPONSES[PREDICT].FromString(answer).outputs["x"]
    return np.array(tensor.float_val, "float32")


def is_image(found, z, model=LINEAR):
    """Whether an answer's numbers are what a model makes of z."""
    expected = model.decode(np.asarray(z, "float32"))["x"].ravel()
    found = np.asarray(found, "float32").ravel()
    return found.shape == expected.shape and np.allclose(
        found, expected, atol=1e-5
    )


def wait_for(condition, seconds=TIMEOUT_S, every=0.02):
    """Waits until a condition is true, and returns what it gave."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"Not within {seconds} s"
        time.sleep(every)
