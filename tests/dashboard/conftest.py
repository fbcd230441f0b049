"""The live page in a real browser without a screen: a Chromium, driven by Playwright."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from dashboard.feed import Feed
from dashboard.guard import LOOPBACK_HOSTS
from dashboard.lake import Lake
from dashboard.page import make_app
from dashboard.serve import PageServer
from dashboard.tree_disk import DiskFile, DiskTree
from tests.support.chromium import FLAGS, NoChromiumError, environment, find_chromium
from tests.support.csv_tree import START, Published


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    try:
        chromium = find_chromium()
    except NoChromiumError as error:
        pytest.skip(f"there is no browser here: {error}")
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.path, args=list(FLAGS), env=environment(chromium))
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


@pytest.fixture(scope="session")
def page_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Feed]]:
    """One server for all: at one address a browser keeps the five megabytes of scripts."""
    nowhere = tmp_path_factory.mktemp("nowhere")
    feed = Feed(Lake(DiskTree(nowhere)), DiskFile(nowhere / "status.json"), ("solana", "bitcoin"), 0.3)
    server = PageServer(make_app(feed, LOOPBACK_HOSTS), "127.0.0.1", 0)
    threading.Thread(target=server.serve, daemon=True).start()
    yield f"http://127.0.0.1:{server.port}/", feed
    server.close()


@pytest.fixture
def served(page_server: tuple[str, Feed], tmp_path: Path) -> Served:
    """The page on an empty lake of this test."""
    url, feed = page_server
    (tmp_path / "csv").mkdir()
    fresh = Feed(Lake(DiskTree(tmp_path / "csv")), DiskFile(tmp_path / "status.json"), feed.listed, feed.every_seconds)
    vars(feed).update(vars(fresh))
    return Served(tmp_path, url, feed, Published(tmp_path / "csv"))


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
_PATIENCE_MS = 15_000


_USUAL: dict[str, Any] = {"locale": "en-US", "viewport": {"width": 1280, "height": 900}}


@pytest.fixture(scope="session")
def usual(browser: Browser) -> Iterator[BrowserContext]:
    """A browser with what it has loaded before, for those tests that want nothing special."""
    context = browser.new_context(**_USUAL)
    yield context
    context.close()


@pytest.fixture
def open_page(browser: Browser, usual: BrowserContext, served: Served) -> Iterator[OpenPage]:
    """Open the page at a query. At the end nothing must have gone wrong in any of them."""
    watched = Watched()
    special: list[BrowserContext] = []

    def open_it(query: str = "", **options: Any) -> Page:
        context = usual
        if options:
            context = browser.new_context(**_USUAL | options)
            special.append(context)
        context.set_default_timeout(_PATIENCE_MS)
        page = watched.watch(context.new_page())
        page.goto(f"{served.url}{query}")
        return page

    yield open_it
    usual.clear_cookies()
    for page in usual.pages:
        page.close()
    for context in special:
        context.close()
    assert watched.complaints == []
