"""How requests travel: gRPC or HTTP behind one protocol. The only code that knows tritonclient."""

from __future__ import annotations

from batchproof.deploy.triton.client.server_url import ServerUrl
from batchproof.deploy.triton.client.transport.protocol import Transport
from batchproof.errors import MissingDependencyError


def open_transport(url: ServerUrl, *, timeout: float, connections: int) -> Transport:
    """Make a transport; nothing is sent yet. Must be called, and closed, inside a running event loop.

    `timeout` is in seconds, for each request; `connections` are the most that HTTP opens, gRPC needs one. Raises
    `MissingDependencyError` without tritonclient.
    """
    if url.scheme == "grpc":
        try:
            from batchproof.deploy.triton.client.transport.over_grpc import GrpcTransport
        except (ImportError, RuntimeError) as error:  # tritonclient without this extra of its own raises the latter
            raise MissingDependencyError.for_extra("tritonclient[grpc]", "triton") from error
        return GrpcTransport(url, timeout)
    try:
        from batchproof.deploy.triton.client.transport.over_http import HttpTransport
    except (ImportError, RuntimeError) as error:
        raise MissingDependencyError.for_extra("tritonclient[http]", "triton") from error
    return HttpTransport(url, timeout, connections)
