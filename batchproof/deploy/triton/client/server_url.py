"""Where a server is: a scheme, a host and a port."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from batchproof.errors import InputError

PORTS = {"grpc": 8001, "http": 8000}
"""Triton's own, for addresses without a port."""

_FORMS = "Write it as grpc://127.0.0.1:8001 or http://127.0.0.1:8000"


@dataclass(frozen=True)
class ServerUrl:
    """An address as a user writes it; `scheme` is grpc or http."""

    scheme: str
    host: str
    port: int

    @property
    def address(self) -> str:
        """Host and port as the client libraries want them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.address}"


def read_url(text: str) -> ServerUrl:
    """Read an address; raises `InputError`, which names both forms, for anything else."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InputError(f"no address of a server ({error})", where=text, remedy=_FORMS) from error
    if parts.scheme not in PORTS or not host or _has_more(parts):
        raise InputError("no address of a server", where=text, remedy=_FORMS)
    return ServerUrl(parts.scheme, host, PORTS[parts.scheme] if port is None else port)


def is_this_machine(host: str) -> bool:
    """Tell whether a host is this machine: only on one's own addresses can a socket be bound."""
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)
    except OSError:
        return False
    return all(_is_own(family, address) for family, _, _, _, address in found)


def _has_more(parts: SplitResult) -> bool:
    """Whether there is what neither client would use."""
    return bool(parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)


def _is_own(family: int, address: tuple[object, ...]) -> bool:
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(address)
        except OSError:
            return False
    return True
