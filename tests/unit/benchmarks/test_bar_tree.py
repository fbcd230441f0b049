"""Bars of contenders, held against ours: equal where they are, and different where anything is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.bar_tree import compare, read_tree, require_equal
from benchmarks.errors import BenchmarkError

HEADER = (
    "coin_id,vs_currency,window_start,window_end,open,high,low,close,mean,stddev,tick_count,first_tick_at,last_tick_at"
)
BITCOIN = (
    "bitcoin,usd,2026-01-05T09:00:00Z,2026-01-05T09:01:00Z,60000.0,60002.0,59999.0,60001.0,60000.5,1.118033988749895,4,"
    "2026-01-05T09:00:01.000Z,2026-01-05T09:00:55.250Z"
)
ETHER = (
    "ethereum,usd,2026-01-05T09:00:00Z,2026-01-05T09:01:00Z,3000.0,3000.0,3000.0,3000.0,3000.0,0.0,1,"
    "2026-01-05T09:00:01.000Z,2026-01-05T09:00:01.000Z"
)

Tree = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Makes trees of one file."""
    made = 0

    def make(*lines: str, header: str = HEADER, hour: str = "09", name: str = "bars.csv") -> Path:
        nonlocal made
        made += 1
        root = tmp_path / str(made)
        folder = root / "interval=1m" / "date=2026-01-05" / f"hour={hour}"
        folder.mkdir(parents=True)
        (folder / name).write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return root

    return make


def test_the_same_bars_are_equal_whoever_wrote_them(tree: Tree) -> None:
    ours = read_tree(tree(BITCOIN, ETHER))
    # Another order, another name, another way to write the same number and the same time, and a column more.
    other = BITCOIN.replace("60000.0,", "60000,").replace("09:00:01.000Z", "09:00:01+00:00")
    theirs = read_tree(tree(f"{ETHER},x", f"{other},y", header=f"{HEADER},more", name="data_0.csv"))
    assert len(ours) == len(theirs) == 2
    assert compare(ours, theirs) == []
    require_equal(ours, theirs, "they")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("60000.0,", "60000.00000000001,", "open differs in 1 bars, such as bitcoin at ", id="open"),
        pytest.param("60002.0", "60003.0", "high differs", id="high"),
        pytest.param("59999.0", "59998.0", "low differs", id="low"),
        pytest.param("60001.0", "", "close differs", id="no close"),
        pytest.param("60000.5", "60000.50007", "mean differs", id="mean"),
        pytest.param("1.118033988749895", "1.2909944487358056", "stddev differs", id="the sample's stddev"),
        pytest.param("1.118033988749895", "", "stddev differs", id="no stddev"),
        pytest.param(",4,", ",5,", "tick_count differs", id="a duplicate counted"),
        pytest.param("55.250Z", "55.251Z", "last_tick_at differs", id="a millisecond"),
        pytest.param("09:01:00Z", "09:02:00Z", "window_end differs", id="window_end"),
    ],
)
def test_bars_that_differ_in_anything_are_told(tree: Tree, old: str, new: str, said: str) -> None:
    assert BITCOIN.count(old) == 1
    ours, theirs = read_tree(tree(BITCOIN, ETHER)), read_tree(tree(BITCOIN.replace(old, new), ETHER))
    found = compare(ours, theirs)
    assert len(found) == 1
    assert said in found[0]
    with pytest.raises(BenchmarkError, match="they: its bars are not ours: "):
        require_equal(ours, theirs, "they")


def test_sums_may_differ_in_their_last_digits(tree: Tree) -> None:
    theirs = BITCOIN.replace("60000.5", "60000.50000000001").replace("1.118033988749895", "1.118033988749893")
    assert compare(read_tree(tree(BITCOIN)), read_tree(tree(theirs))) == []


def test_a_bar_that_lacks_and_one_too_many_are_told(tree: Tree) -> None:
    both, one = read_tree(tree(BITCOIN, ETHER)), read_tree(tree(BITCOIN))
    assert compare(both, one) == ["1 bars are ours alone, such as ethereum at 2026-01-05T09:00:00+00:00"]
    assert compare(one, both) == ["1 bars are theirs alone, such as ethereum at 2026-01-05T09:00:00+00:00"]


def test_a_bar_that_is_there_twice_is_told(tree: Tree) -> None:
    once, twice = read_tree(tree(BITCOIN)), read_tree(tree(BITCOIN, BITCOIN))
    assert compare(once, twice) == ["1 bars are there twice"]


def test_a_tree_without_bars_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="holds no bars"):
        read_tree(tmp_path)


def test_a_bar_in_the_file_of_another_hour_is_refused(tree: Tree) -> None:
    with pytest.raises(BenchmarkError, match="of another hour"):
        read_tree(tree(BITCOIN, hour="10"))


def test_a_file_without_a_column_is_refused(tree: Tree) -> None:
    with pytest.raises(BenchmarkError, match="lacks stddev"):
        read_tree(tree(BITCOIN, header=HEADER.replace("stddev", "deviation")))
