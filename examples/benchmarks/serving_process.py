"""Servers in processes of their own, for `serving.py` to measure.

One is `keras-vae serve`. The other, which this file is when it is run, answers
every request with the same bytes at once: what it costs is the price of the
protocols and of the clients, and no server in Python can do with less.
"""

import asyncio
import contextlib
import http.client
import importlib.util
import pathlib
import re
import subprocess
import sys
import time

import grpc
from serving_load import PREDICT, Place, content_length

SERVE = "from keras_vae_serving.command import main; main()"
PORTS = re.compile(r"REST http://\S+:(\d+), gRPC \S+:(\d+)")


class Process:
    """A server that runs.

    Attributes:
        place: Where it is.
        seconds: How long it took to be ready.
    """

    def __init__(self, command, model):
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, *command], stderr=subprocess.PIPE, text=True
        )
        said = ""
        while (ports := PORTS.search(said)) is None:
            line = self.process.stderr.readline()
            if not line:
                self.stop()
                raise RuntimeError(f"The server did not start: {said}")
            said += line
        self.place = Place(model, *map(int, ports.groups()))
        self.check_ready()
        self.seconds = time.perf_counter() - began

    def check_ready(self):
        """Raises unless the server says that it is ready."""
        connection = http.client.HTTPConnection("127.0.0.1", self.place.rest)
        with contextlib.closing(connection):
            connection.request("GET", "/readyz")
            status = connection.getresponse().status
        if status != 200:
            raise RuntimeError(f"The server is not ready: {status}")

    def mib(self):
        """Returns its resident memory, in MiB."""
        pid = self.process.pid
        status = pathlib.Path(f"/proc/{pid}/status")
        if status.exists():
            kib = re.search(r"VmRSS:\s*(\d+)", status.read_text())[1]
        else:
            command = ["ps", "-o", "rss=", "-p", str(pid)]
            kib = subprocess.check_output(command, text=True)
        return int(kib) / 1024

    def stop(self):
        """Ends it."""
        self.process.terminate()
        self.process.communicate(timeout=60)


@contextlib.contextmanager
def serving(models, model, *options):
    """Runs `keras-vae serve` for as long as the block runs."""
    free_ports = ["--rest-api-port=0", "--port=0"]
    command = ["-c", SERVE, "serve", str(models), *free_ports, *options]
    with stopped_at_end(Process(command, model)) as process:
        yield process


@contextlib.contextmanager
def answering(model, rest_answer, grpc_answer, folder):
    """Runs the server of ready answers for as long as the block runs."""
    paths = []
    for name, answer in (("rest", rest_answer), ("grpc", grpc_answer)):
        paths.append(pathlib.Path(folder) / f"answer.{name}")
        paths[-1].write_bytes(answer)
    command = [__file__, *map(str, paths)]
    with stopped_at_end(Process(command, model)) as process:
        yield process


@contextlib.contextmanager
def stopped_at_end(process):
    """Ends a process with the block."""
    try:
        yield process
    finally:
        process.stop()


def event_loop_runner():
    """Returns uvloop's `run` where it is installed, or asyncio's."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.run
    import uvloop

    return uvloop.run


# --- The server of ready answers ----------------------------------------------


class ReadyAnswer(asyncio.Protocol):
    """Answers each request with the same bytes."""

    def __init__(self, answer):
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(answer)}\r\n\r\n"
        self.answer = head.encode() + answer
        self.data = b""

    def connection_made(self, transport):
        """Notes where answers go."""
        self.transport = transport

    def data_received(self, data):
        """Answers, once a request is complete."""
        self.data += data
        head, end, body = self.data.partition(b"\r\n\r\n")
        if end and (
            head.startswith(b"GET") or len(body) == content_length(head)
        ):
            self.data = b""
            self.transport.write(self.answer)


async def answer_all(rest_answer, grpc_answer):
    """Answers until it is ended."""

    async def predict(request, context):
        return grpc_answer

    loop = asyncio.get_running_loop()
    http_server = await loop.create_server(
        lambda: ReadyAnswer(rest_answer), "127.0.0.1", 0
    )
    server = grpc.aio.server()
    service, _, method = PREDICT[1:].partition("/")
    methods = {method: grpc.unary_unary_rpc_method_handler(predict)}
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service, methods)]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    rest_port = http_server.sockets[0].getsockname()[1]
    print(
        f"REST http://127.0.0.1:{rest_port}, gRPC 127.0.0.1:{port}",
        file=sys.stderr,
        flush=True,
    )
    await http_server.serve_forever()


if __name__ == "__main__":
    answers = [pathlib.Path(path).read_bytes() for path in sys.argv[1:]]
    event_loop_runner()(answer_all(*answers))
