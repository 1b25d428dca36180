import http.server
import json
import socket
import threading

import pytest


@pytest.fixture
def free_port():
    """A port of loopback at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def status_server():
    """Answers the status of a model as TensorFlow Serving prints it."""
    servers = []

    def start(states):
        text = answer(states).encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                known = self.path == "/v1/models/digits"
                self.send_response(200 if known else 404)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text if known else b" " * len(text))

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def answer(states):
    status = {"error_code": "UNAVAILABLE", "error_message": "AVAILABLE"}
    versions = [
        {"version": str(n), "state": state, "status": status}
        for n, state in enumerate(states, start=1)
    ]
    return json.dumps({"model_version_status": versions}, indent=1)
