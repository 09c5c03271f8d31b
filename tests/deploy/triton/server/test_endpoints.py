from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from batchproof.deploy.triton.server.endpoints import Endpoints, free_endpoints


class Health(BaseHTTPRequestHandler):
    """Answers the one question, with the status that the test has chosen."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/v2/health/ready" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is written."""


@pytest.fixture
def endpoints() -> Iterator[Endpoints]:
    with HTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever).start()
        yield Endpoints(f"127.0.0.1:{server.server_port}", "127.0.0.1:2", "127.0.0.1:3")
        server.shutdown()


@pytest.mark.parametrize(("status", "ready"), [(200, True), (400, False)])
def test_ready_is_what_the_server_says(
    endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch, status: int, ready: bool
) -> None:
    monkeypatch.setattr(Health, "status", status)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert endpoints.ready() is ready


def test_nobody_there_is_not_ready() -> None:
    assert free_endpoints().ready() is False


def test_ports_are_free_and_differ() -> None:
    found = free_endpoints()
    assert len({found.http, found.grpc, found.metrics}) == 3


def test_only_the_loopback_interface_listens() -> None:
    options = Endpoints("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3").options()
    assert options == [
        *("--http-address=127.0.0.1", "--grpc-address=127.0.0.1", "--metrics-address=127.0.0.1"),
        *("--http-port=1", "--grpc-port=2", "--metrics-port=3"),
    ]
