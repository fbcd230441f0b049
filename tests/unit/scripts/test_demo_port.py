"""A free port: one that nothing listens on, and that no outgoing connection is given meanwhile."""

import socket
from pathlib import Path

import pytest

from scripts.demo_app import port as ports
from scripts.demo_app.port import free_port

GIVEN_TO_CONNECTIONS = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_a_server_can_have_it() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", free_port()))
        server.listen()


@pytest.mark.skipif(not GIVEN_TO_CONNECTIONS.exists(), reason="only Linux says so there")
def test_no_connection_is_given_it() -> None:
    first, last = map(int, GIVEN_TO_CONNECTIONS.read_text(encoding="ascii").split())
    assert not first <= free_port() <= last


def test_all_that_follow_are_free_too(monkeypatch: pytest.MonkeyPatch) -> None:
    start = free_port(4)
    monkeypatch.setattr(ports, "_PORTS", range(start, start + 2))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", start + 1))
        assert free_port() == start
        with pytest.raises(OSError, match="no port of loopback is free"):
            free_port(2)
