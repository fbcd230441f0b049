from pathlib import Path

import pytest

from dashboard.cli import hosts_of
from dashboard.feed import Feed
from dashboard.guard import is_trusted
from dashboard.lake import Lake
from dashboard.page import make_app
from dashboard.tree_disk import DiskFile, DiskTree

LOOPBACK = hosts_of("127.0.0.1")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8050", "localhost:1", "LOCALHOST", "localhost.", "[::1]:8050", "[::1]"]
)
def test_a_page_on_loopback_is_known_by_loopbacks_names(host: str) -> None:
    assert is_trusted(host, LOOPBACK)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:8050", "127.0.0.1.evil.example", "localhost.evil.example",
     "evil.example:127.0.0.1",
     "10.0.0.5:8050", "169.254.169.254", "[::2]:8050", "127.0.0.1@evil.example", "user:127.0.0.1", " "],
)  # fmt: skip
def test_and_by_no_other(host: str) -> None:
    assert not is_trusted(host, LOOPBACK)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("10.0.0.5:8050", True), ("192.168.1.2", True), ("lab.example", False), ("[fe80::1]:80", True)],
)
def test_a_page_for_others_is_known_by_any_address_and_by_no_name_but_its_own(host: str, expected: bool) -> None:
    assert is_trusted(host, hosts_of("0.0.0.0")) == expected
    assert is_trusted("lab.example:80", hosts_of("Lab.example"))


@pytest.fixture
def client(tmp_path: Path):  # type: ignore[no-untyped-def]
    feed = Feed(Lake(DiskTree(tmp_path)), DiskFile(tmp_path / "status.json"))
    return make_app(feed, LOOPBACK).server.test_client()


@pytest.mark.parametrize("path", ["/", "/_dash-layout", "/_dash-dependencies", "/assets/page.js"])
def test_a_strange_name_is_told_nothing_wherever_it_asks(client, path: str) -> None:  # type: ignore[no-untyped-def]
    strange = client.get(path, headers={"Host": "evil.example"})
    assert (strange.status_code, strange.mimetype) == (403, "text/plain")
    assert client.get(path, headers={"Host": "127.0.0.1:8050"}).status_code == 200


def test_a_strange_name_calls_nothing_either(client) -> None:  # type: ignore[no-untyped-def]
    assert client.post("/_dash-update-component", json={}, headers={"Host": "evil.example"}).status_code == 403


def test_browsers_are_told_to_load_nothing_from_elsewhere(client) -> None:  # type: ignore[no-untyped-def]
    answer = client.get("/", headers={"Host": "localhost"})
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert "unsafe" not in policy["script-src"]
    assert policy["frame-ancestors"] == "'none'"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    page = answer.get_data(as_text=True)
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


def test_the_page_is_in_the_language_of_who_asks(client) -> None:  # type: ignore[no-untyped-def]
    asked = {"Host": "localhost", "Accept-Language": "es-MX"}
    assert '<html lang="es">' in client.get("/", headers=asked).get_data(as_text=True)
    assert "Monedas" in client.get("/_dash-layout", headers=asked).get_data(as_text=True)
    client.set_cookie("pricestream_language", "en")
    assert '<html lang="en">' in client.get("/", headers=asked).get_data(as_text=True)
