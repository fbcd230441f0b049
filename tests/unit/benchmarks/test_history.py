"""The ticks that all contenders are given."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.history import START_MS, make_ticks, write_history
from pricestream.tick import is_valid_id


def test_both_kinds_of_files_hold_the_same_ticks(tmp_path: Path) -> None:
    history = write_history(tmp_path, ticks=4_000, coins=20)
    names = ("coin_id", "vs_currency", "price", "event_time", "event_seq")
    table = pq.read_table(history.parquet).select(names).to_pylist()
    lines = [json.loads(line) for line in history.json.read_text(encoding="utf-8").splitlines()]
    assert [{name: line[name] for name in names} for line in lines] == table
    assert len(lines) == history.ticks
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))


def test_the_market_has_what_a_bar_can_get_wrong() -> None:
    made = make_ticks(100_000, 100, seed=7)
    rows = list(zip(made.coin.tolist(), made.event_ms.tolist(), made.event_seq.tolist(), strict=True))
    distinct = set(rows)
    # There twice, and at the same time as another of the coin: a thousandth and a fiftieth of all, or about that.
    assert len(distinct) == 100_000
    assert 50 <= len(rows) - len(distinct) <= 200
    times = {(coin, event_ms) for coin, event_ms, _ in distinct}
    assert 1_000 <= len(distinct) - len(times) <= 3_000
    # A coin's numbers tell which of two ticks of one time came first, so nothing is left to chance.
    assert len({(coin, seq) for coin, _, seq in distinct}) == len(distinct)
    assert made.event_ms.min() >= START_MS
    assert (made.price > 0).all()


def test_the_same_seed_gives_the_same_market() -> None:
    one, same, other = (make_ticks(1_000, 10, seed) for seed in (7, 7, 8))
    assert np.array_equal(one.price, same.price)
    assert not np.array_equal(one.price[:500], other.price[:500])


def test_coins_are_named_as_the_contract_wants(tmp_path: Path) -> None:
    history = write_history(tmp_path, ticks=20, coins=10)
    assert all(is_valid_id(name) for name in pq.read_table(history.parquet)["coin_id"].to_pylist())


def test_many_ticks_come_faster_and_all_on_the_day() -> None:
    # A day has 8,640 times ten seconds.
    made = make_ticks(3 * 20_000, 3, seed=7)
    after_ms = made.event_ms - START_MS
    assert 86_000_000 < after_ms.max() < 86_400_000
    assert np.unique(made.event_ms // 10_000).size > 8_600
    # Fewer have ten seconds as ever.
    assert 990_000 < (make_ticks(100, 1, seed=7).event_ms - START_MS).max() < 1_000_000


@pytest.mark.parametrize("ticks", [9, 864_000_000])
def test_what_is_no_day_is_refused(ticks: int) -> None:
    with pytest.raises(BenchmarkError, match="ask for 10 to 863,999,999"):
        make_ticks(ticks, 10, seed=7)
