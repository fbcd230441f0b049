import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from coingecko.clock import VirtualClock
from faults.coingecko_answers import DRILL, busiest_minute, wrong_prices
from faults.drill import Task
from faults.price_answers import ANSWERS
from producer.market import Market
from producer.server import Fault, MarketServer

START = 1_767_603_600_000


def test_whatever_the_api_answers_polls_go_on_and_no_price_is_wrong(tmp_path: Path) -> None:
    outcome = DRILL.run(Task(tmp_path, DRILL.short, Random(3)))
    assert outcome.holds, outcome.broken
    counts = outcome.counts
    assert counts["kinds of answer"] == len(ANSWERS) == 35
    assert counts["bad answers"] >= 35
    assert counts["polls that nothing disturbed"] >= 30
    assert counts["in the busiest minute"] <= 5
    # 160 polls of two calls, half of them in each month, for which there are five calls too few.
    assert counts["in the fullest month"] == 152
    assert counts["ticks"] > 300


@pytest.mark.parametrize("kind", sorted(ANSWERS))
def test_no_bad_answer_is_a_good_one(kind: str) -> None:
    with MarketServer(Market(7, START, 60), VirtualClock(START)) as server:
        query = {"ids": "bitcoin,aave", "vs_currencies": "usd", "include_last_updated_at": "true"}
        _, right = server.answer("/api/v3/simple/price", query)
    fault = ANSWERS[kind](Random(1))
    assert fault != Fault()
    if fault.change is not None:
        assert repr(fault.change(right)) != repr(right)


@pytest.mark.parametrize(
    ("change", "is_wrong"),
    [
        ({}, False),
        ({"market_cap": None, "event_time": START}, False),
        ({"price": 1.5}, True),
        ({"event_time": START - 1}, True),
        ({"market_cap": 1.5}, True),
        ({"coin_id": "unheard-of"}, True),
    ],
)
def test_a_wrong_price_is_seen(change: dict[str, Any], is_wrong: bool) -> None:
    market = Market(7, START, 60)
    price = market.price("bitcoin", "usd", START)
    assert price is not None
    right = {"coin_id": "bitcoin", "vs_currency": "usd", "price": price.price, "event_time": price.updated_at * 1000}
    more = {"polled_at": START, "market_cap": price.market_cap, "volume_24h": None}
    assert bool(wrong_prices([json.dumps(right | more | change).encode()], market)) is is_wrong


def test_the_busiest_minute_slides() -> None:
    assert busiest_minute([0, 50_000, 59_999, 60_000, 110_000]) == 3
