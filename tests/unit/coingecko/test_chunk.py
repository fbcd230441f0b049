import re
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coingecko.chunk import Chunk, check_reach, plan_chunks
from pricestream.errors import SettingsError

DAY = 86_400
LONG_AGO = 1_300_000_000
moments = st.integers(LONG_AGO, LONG_AGO + 3_000 * DAY)


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def plan(start: str, end: str, now: str = "2026-11-25T05:06:07", coins: tuple[str, ...] = ("bitcoin",)) -> list[Chunk]:
    return plan_chunks(coins, ["usd"], start_s=seconds(start), end_s=seconds(end), now_s=seconds(now))


def keys(chunks: list[Chunk]) -> list[str]:
    return [chunk.key for chunk in chunks]


def test_a_range_is_cut_every_90_days_since_the_epoch() -> None:
    # 2026-03-08 is day 20,520 of the epoch, and 228 times 90.
    assert keys(plan("2026-01-01", "2026-07-01T12:00")) == [
        "coin_id=bitcoin/vs_currency=usd/2026-01-01T00_2026-03-08T00.jsonl",
        "coin_id=bitcoin/vs_currency=usd/2026-03-08T00_2026-06-06T00.jsonl",
        "coin_id=bitcoin/vs_currency=usd/2026-06-06T00_2026-07-01T12.jsonl",
    ]
    assert keys(plan("2026-03-08", "2026-06-06")) == [
        "coin_id=bitcoin/vs_currency=usd/2026-03-08T00_2026-06-06T00.jsonl"
    ]


def test_a_range_that_does_not_keep_to_hours_has_a_name_of_its_own() -> None:
    assert keys(plan("2026-01-01T00:30", "2026-01-01T02:00:07")) == [
        "coin_id=bitcoin/vs_currency=usd/2026-01-01T003000_2026-01-01T020007.jsonl"
    ]


def test_the_earliest_of_all_coins_come_first_and_none_twice() -> None:
    chunks = plan_chunks(
        ["aave", "bitcoin", "aave"],
        ["usd", "eur"],
        start_s=seconds("2026-03-01"),
        end_s=seconds("2026-03-15"),
        now_s=seconds("2026-11-25"),
    )
    assert [(chunk.coin_id, chunk.vs_currency, chunk.start_s) for chunk in chunks] == [
        (coin_id, currency, seconds(start))
        for start in ("2026-03-01", "2026-03-08")
        for coin_id in ("aave", "bitcoin")
        for currency in ("usd", "eur")
    ]


@given(start_s=moments, length_s=st.integers(1, 1_000 * DAY), late_s=st.integers(7_200, DAY))
def test_chunks_cover_the_range_exactly(start_s: int, length_s: int, late_s: int) -> None:
    end_s = start_s + length_s
    chunks = plan_chunks(["aave", "dai"], ["usd"], start_s=start_s, end_s=end_s, now_s=end_s + late_s)
    for coin_id in ("aave", "dai"):
        own = [chunk for chunk in chunks if chunk.coin_id == coin_id]
        assert (own[0].start_s, own[-1].end_s) == (start_s, end_s)
        assert all(before.end_s == after.start_s for before, after in pairwise(own))
        assert all(0 < chunk.end_s - chunk.start_s <= 90 * DAY for chunk in own)
        # No more than it takes, but for one that a cut adds.
        assert len(own) <= length_s // (90 * DAY) + 2
    assert len(set(keys(chunks))) == len(chunks)


@given(first=moments, second=moments, end_s=moments)
def test_ranges_that_overlap_have_the_same_cuts(first: int, second: int, end_s: int) -> None:
    begin_s, late_s = min(first, second), max(first, second)
    end_s = late_s + 1 + end_s - LONG_AGO
    now_s = end_s + DAY
    long = plan_chunks(["dai"], ["usd"], start_s=begin_s, end_s=end_s, now_s=now_s)
    short = plan_chunks(["dai"], ["usd"], start_s=late_s, end_s=end_s, now_s=now_s)
    assert short[1:] == long[len(long) - len(short) + 1 :]


@given(start_s=moments, ahead_s=st.integers(3_600, 200 * DAY), end_s=st.integers(1, 400 * DAY))
def test_what_is_not_over_for_an_hour_is_left_out(start_s: int, ahead_s: int, end_s: int) -> None:
    now_s = start_s + ahead_s + 3_600
    chunks = plan_chunks(["dai"], ["usd"], start_s=start_s, end_s=now_s + end_s, now_s=now_s)
    last_s = chunks[-1].end_s
    assert last_s % 3_600 == 0
    assert 3_600 <= now_s - last_s < 7_200


def test_a_chunk_fetched_in_the_middle_of_a_range_is_not_the_one_fetched_at_its_end() -> None:
    early, late = (keys(plan("2026-11-20", "2026-12-01", now)) for now in ("2026-11-25T05:06:07", "2026-12-01T01:00"))
    assert early == ["coin_id=bitcoin/vs_currency=usd/2026-11-20T00_2026-11-25T04.jsonl"]
    assert late == ["coin_id=bitcoin/vs_currency=usd/2026-11-20T00_2026-12-01T00.jsonl"]


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("2026-02-01", "2026-01-01", "--from 2026-02-01T00:00:00Z is not before --to 2026-01-01T00:00:00Z"),
        ("2026-01-01", "2026-01-01", "is not before"),
        ("2026-11-25T04:00", "2026-11-26", "too late: CoinGecko's history is complete up to 2026-11-25T04:00:00Z"),
        ("2027-01-01", "2027-02-01", "too late"),
    ],
)
def test_a_range_with_nothing_to_fetch_is_one_line(start: str, end: str, words: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(words)):
        plan(start, end)


@pytest.mark.parametrize("name", ["keyless", "demo"])
def test_a_plan_that_reaches_back_a_year_says_the_earliest_date(name: str) -> None:
    now = "2026-11-25T05:06:07"
    check_reach(plan("2025-11-26", "2026-02-01"), plan=name, now_s=seconds(now))
    with pytest.raises(SettingsError) as caught:
        check_reach(plan("2025-11-25T05:00", "2026-02-01"), plan=name, now_s=seconds(now))
    assert str(caught.value) == (
        f"CoinGecko's {name} plan reaches back 365 days: the earliest --from is 2025-11-26, not 2025-11-25T05:00:00Z"
    )
    # At midnight sharp the bound is that midnight.
    check_reach(plan("2025-11-25", "2026-02-01"), plan=name, now_s=seconds("2026-11-25"))


def test_chunks_that_are_kept_and_the_paid_plan_are_not_held_to_it() -> None:
    old = plan("2020-01-01", "2021-01-01")
    check_reach(old, plan="pro", now_s=seconds("2026-11-25"))
    check_reach([], plan="demo", now_s=seconds("2026-11-25"))
