"""The live page in a real browser without a screen: a Chromium of the machine, driven by Playwright."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from dashboard.feed import Feed
from dashboard.guard import LOOPBACK_HOSTS
from dashboard.lake import Lake
from dashboard.page import make_app
from dashboard.serve import PageServer
from dashboard.tree_disk import DiskFile, DiskTree
from tests.support.csv_tree import START, Published

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Nothing that Chromium does by itself may leave the machine either.
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync")  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"there is no browser here: none of {', '.join(_BROWSERS)} is on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(_FLAGS))
        yield browser
        browser.close()


@dataclass
class Served:
    """A page on a lake that a test fills."""

    root: Path
    url: str
    feed: Feed
    tree: Published

    def say(self, **status: Any) -> None:
        """Write the job's status, with other values than these."""
        document: dict[str, Any] = {
            "state": "running",
            "ticks": {"rows": 1000, "ok": 990, "late": 0, "rejected": 0, "heartbeat": 10},
            "bars": {"rows": 50, "watermark_ms": START * 1000, "batch": 7, "rebuilt": 0, "stale": []},
            "csv": {"files": 6},
            "settled": False,
        }
        scratch = self.root / ".status"
        scratch.write_text(json.dumps(document | status))
        scratch.replace(self.root / "status.json")

    def fill(self, coins: tuple[str, ...] = ("bitcoin", "ethereum", "solana"), windows: int = 60) -> None:
        """Publish bars of a minute and of five."""
        self.tree.fill(coins, range(windows))
        Published(self.root / "csv", "5m", 300).fill(coins, range(windows // 5))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "csv").mkdir()
    feed = Feed(Lake(DiskTree(tmp_path / "csv")), DiskFile(tmp_path / "status.json"), ("solana", "bitcoin"), 0.3)
    server = PageServer(make_app(feed, LOOPBACK_HOSTS), "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield Served(tmp_path, f"http://127.0.0.1:{server.port}/", feed, Published(tmp_path / "csv"))
    server.close()


@dataclass
class Watched:
    """What a browser did that it should not have done."""

    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> Page:
        """Write down errors, and requests to anywhere else."""
        page.on("console", lambda each: self._note(each.type in ("error", "warning"), f"console: {each.text}"))
        page.on("pageerror", lambda error: self._note(True, f"error: {error}"))
        page.on("request", lambda each: self._note(not _is_here(each.url), f"request: {each.url[:200]}"))
        return page

    def _note(self, is_bad: bool, text: str) -> None:
        if is_bad:
            self.complaints.append(text)


def _is_here(url: str) -> bool:
    parts = urlsplit(url)
    return parts.hostname == "127.0.0.1" or parts.scheme in ("data", "blob")


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, served: Served) -> Iterator[OpenPage]:
    """Open the page at a query. At the end nothing must have gone wrong in any of them."""
    watched = Watched()
    contexts: list[BrowserContext] = []

    def open_it(query: str = "", **options: Any) -> Page:
        context = browser.new_context(**{"locale": "en-US", "viewport": {"width": 1280, "height": 900}, **options})
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = watched.watch(context.new_page())
        page.goto(f"{served.url}{query}")
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert watched.complaints == []
