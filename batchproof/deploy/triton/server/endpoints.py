"""Where a server listens: the loopback interface, and ports that nobody else has."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

_HOST = "127.0.0.1"
_PATIENCE = 5.0


@dataclass(frozen=True)
class Endpoints:
    """Host and port of KServe's protocol over HTTP and over gRPC, and of the metrics for Prometheus."""

    http: str
    grpc: str
    metrics: str

    def options(self) -> list[str]:
        """Return the options of tritonserver; its own choice is every interface."""
        kinds = {"http": self.http, "grpc": self.grpc, "metrics": self.metrics}
        return [
            *(f"--{kind}-address={_HOST}" for kind in kinds),
            *(f"--{kind}-port={address.partition(':')[2]}" for kind, address in kinds.items()),
        ]

    def ready(self) -> bool:
        """Ask whether all models are ready."""
        # Without urllib, which may ask a proxy for the way to this machine.
        with contextlib.closing(HTTPConnection(self.http, timeout=_PATIENCE)) as connection:
            try:
                connection.request("GET", "/v2/health/ready")
                return connection.getresponse().status == 200
            except (OSError, HTTPException):  # nobody listens yet, or no more
                return False


def free_endpoints() -> Endpoints:
    """Choose three ports that nobody listens on; held together, so that they differ."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(3)]
        for each in sockets:
            each.bind((_HOST, 0))
        return Endpoints(*(f"{_HOST}:{each.getsockname()[1]}" for each in sockets))
