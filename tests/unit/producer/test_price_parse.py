import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from producer.parse import absent_currencies, parse_prices
from producer.quote import Quote

POLLED = 1_700_000_000_123


def recorded(shared_data: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((shared_data / "coingecko").glob("*.json"))]


def test_every_recorded_price_parses(shared_data: Path) -> None:
    found = []
    for answer in recorded(shared_data):
        parts = urlsplit(answer["request"]["uri"])
        if not parts.path.endswith("/simple/price") or answer["status"] != 200:
            continue
        query = parse_qs(parts.query)
        ids = query["ids"][0].replace(" ", "").split(",")
        currencies = query["vs_currencies"][0].replace(" ", "").split(",")
        prices = parse_prices(answer["body"], ids=ids, currencies=currencies, polled_at=POLLED)
        found += [(quote.coin_id, quote.vs_currency, quote.price) for quote in prices.quotes]
        assert prices.undated == {"bitcoin"}
        assert len(prices.quotes) + sum(1 for name in prices.missing if " in " in name) == len(currencies)
        assert {name for name in prices.missing if " in " not in name} == set(ids) - {"bitcoin"}
    assert sorted(found) == [
        ("bitcoin", "myr", 203620.0),
        ("bitcoin", "usd", 49013.0),
        ("bitcoin", "usd", 49253.0),
        ("bitcoin", "usd", 49357.0),
        ("bitcoin", "usd", 49357.0),
    ]


def test_all_fields_of_a_price_are_read() -> None:
    body = {
        "bitcoin": {
            "usd": 64000.5,
            "usd_market_cap": 1.2e12,
            "usd_24h_vol": 3.4e10,
            "usd_24h_change": -1.25,
            "last_updated_at": 1_700_000_000,
        }
    }
    prices = parse_prices(body, ids=["bitcoin"], currencies=["usd"], polled_at=POLLED)
    assert prices.quotes == [
        Quote("bitcoin", "usd", 64000.5, 1_700_000_000_000, POLLED, 1.2e12, 3.4e10, -1.25, None),
    ]
    assert prices.missing == []
    assert prices.undated == frozenset()


@pytest.mark.parametrize("price", [None, "64000", 0, -1, True, float("nan"), float("inf"), 10**400, [], {}])
def test_a_price_that_is_none_is_missing_and_the_others_go_on(price: object) -> None:
    body = {"tether": {"usd": price, "last_updated_at": 1_700_000_000}, "aave": {"usd": 1e-15, "last_updated_at": 1}}
    prices = parse_prices(body, ids=["tether", "unheard-of", "aave"], currencies=["usd"], polled_at=POLLED)
    assert prices.missing == ["tether in usd", "unheard-of"]
    assert [(quote.coin_id, quote.price, quote.event_time) for quote in prices.quotes] == [("aave", 1e-15, 1000)]


def test_every_other_number_may_be_null() -> None:
    body = {"aave": {"usd": 5, "usd_market_cap": None, "usd_24h_vol": None, "last_updated_at": None}}
    prices = parse_prices(body, ids=["aave"], currencies=["usd"], polled_at=POLLED)
    assert prices.quotes == [Quote("aave", "usd", 5.0, POLLED, POLLED)]
    assert prices.undated == {"aave"}


@pytest.mark.parametrize("updated", [1e306, -1e306, 1e20, 10**30])
def test_a_time_that_no_clock_can_tell_is_none(updated: float) -> None:
    body = {"aave": {"usd": 5, "last_updated_at": updated}, "dai": {"usd": 1, "last_updated_at": 1_700_000_000}}
    prices = parse_prices(body, ids=["aave", "dai"], currencies=["usd"], polled_at=POLLED)
    assert [quote.event_time for quote in prices.quotes] == [POLLED, 1_700_000_000_000]
    assert prices.undated == {"aave"}


@pytest.mark.parametrize("body", [None, [], "text", 3])
def test_what_is_no_answer_is_said_to_be_none(body: object) -> None:
    with pytest.raises(ValueError, match="not an object"):
        parse_prices(body, ids=["aave"], currencies=["usd"], polled_at=POLLED)
    assert absent_currencies(body, ["usd"]) == []


def test_a_currency_that_no_coin_has_is_absent_and_a_null_is_not() -> None:
    body = {"bitcoin": {"usd": 1, "eur": None}, "aave": {}}
    assert absent_currencies(body, ["usd", "eur", "uds"]) == ["uds"]
    assert absent_currencies({}, ["usd"]) == []
