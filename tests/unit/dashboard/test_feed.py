from pathlib import Path

import pytest

from dashboard.feed import Feed
from dashboard.lake import Lake
from dashboard.model import Market
from dashboard.tree_disk import DiskFile, DiskTree
from pricestream.errors import StorageError
from tests.support.csv_tree import START, Published, bar


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class BrokenTree(DiskTree):
    """A tree that is out of reach for a while."""

    broken = ""

    def intervals(self) -> list[str]:
        if "list" in BrokenTree.broken:
            raise StorageError("s3://bucket/csv: no\nway \x1b[31mthere")
        return super().intervals()

    def read(self, key: str) -> bytes | None:
        if "read" in BrokenTree.broken:
            raise StorageError("bars.csv: Permission denied")
        return super().read(key)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def feed(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Feed:
    monkeypatch.setattr(BrokenTree, "broken", "")
    return Feed(Lake(BrokenTree(tmp_path / "csv")), DiskFile(tmp_path / "status.json"), (), 10.0, clock)


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return Published(tmp_path / "csv")


def test_it_looks_no_more_often_than_it_should(feed: Feed, clock: Clock, published: Published) -> None:
    first = feed.look()
    published.add(bar("bitcoin", START, 60, 1.0))
    clock.now = 7.9
    assert feed.look() is first
    clock.now = 8.0
    assert feed.look().token != first.token


def test_a_coin_that_goes_stale_is_news_and_a_count_is_none(feed: Feed, clock: Clock, tmp_path: Path) -> None:
    tokens = []
    for text in ('{"ticks": {"ok": 1}}', '{"ticks": {"ok": 2}}', '{"bars": {"stale": ["bitcoin/usd"]}}'):
        (tmp_path / "status.json").write_text(text)
        tokens.append(feed.look().token)
        clock.now += 10
    assert tokens[0] == tokens[1] != tokens[2]


def test_what_cannot_be_listed_is_told_in_one_line_and_what_was_known_stays(
    feed: Feed, clock: Clock, published: Published
) -> None:
    published.add(bar("bitcoin", START, 60, 1.0))
    known = feed.look()
    rows = feed.overview().rows
    BrokenTree.broken = "list"
    clock.now += 10
    told = feed.look()
    assert told.problem == r"s3://bucket/csv: no\nway \x1b[31mthere"
    assert (told.token, feed.overview().rows) == (known.token, rows)
    BrokenTree.broken = ""
    clock.now += 10
    assert feed.look() == known


def test_what_cannot_be_read_is_told_with_the_next_look(feed: Feed, clock: Clock, published: Published) -> None:
    published.add(bar("bitcoin", START, 60, 1.0))
    BrokenTree.broken = "read"
    feed.look()
    assert feed.overview().rows == ()
    assert feed.series(Market("bitcoin", "usd"), "1m") is None
    clock.now += 10
    assert feed.look().problem == "bars.csv: Permission denied"
    BrokenTree.broken = ""
    assert len(feed.overview().rows) == 1
    clock.now += 10
    assert feed.look().problem is None
