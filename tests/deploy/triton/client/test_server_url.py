from __future__ import annotations

import pytest

from batchproof.deploy.triton.client.server_url import is_this_machine, read_url
from batchproof.errors import InputError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("grpc://127.0.0.1:18001", "127.0.0.1:18001"),
        ("http://gpu-server", "gpu-server:8000"),
        ("grpc://gpu-server/", "gpu-server:8001"),
        ("GRPC://[::1]:9", "[::1]:9"),
    ],
)
def test_scheme_and_host_are_enough(text: str, address: str) -> None:
    url = read_url(text)
    assert url.address == address
    assert str(url) == f"{text.partition(':')[0].lower()}://{address}"


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:8001",
        "gpu-server",
        "https://gpu-server",
        "grpc://",
        "http://a:b",
        "http://a:70000",
        "http://a/v2/models",
        "http://user:word@a",
        "http://[::1",
        "",
    ],
)
def test_anything_else_names_both_forms(text: str) -> None:
    with pytest.raises(InputError, match=r"grpc://127.0.0.1:8001 or http://127.0.0.1:8000"):
        read_url(text)


@pytest.mark.parametrize(
    ("host", "own"), [("127.0.0.1", True), ("localhost", True), ("192.0.2.1", False), ("not a host", False)]
)
def test_this_machine_is_where_a_socket_can_be_bound(host: str, own: bool) -> None:
    assert is_this_machine(host) is own
