import random
import statistics
import tracemalloc
from itertools import pairwise

import pytest

from producer.market import CURRENCIES, Market

START = 1_767_603_600_000
HOUR = 3_600_000


def walk(market: Market, coin_id: str, hours: float, step_ms: int = 10_000) -> list[float]:
    prices = [market.price(coin_id, "usd", now) for now in range(START, START + round(hours * HOUR), step_ms)]
    return [price.price for price in prices if price is not None]


def test_prices_do_not_depend_on_who_looks_how_often_or_at_what() -> None:
    often, once = Market(7, START, 10), Market(7, START, 10)
    for coin_id in ("aave", "tether", "bitcoin"):
        walk(often, coin_id, 2)
    for coin_id in ("bitcoin", "aave", "tether"):
        late = START + 2 * HOUR - 10_000
        assert often.price(coin_id, "usd", late) == once.price(coin_id, "usd", late)
        # And looking back finds what was there.
        assert often.price(coin_id, "usd", START + HOUR) == once.price(coin_id, "usd", START + HOUR)


def test_a_market_without_end_takes_no_more_memory_than_a_short_one() -> None:
    market = Market(7, START, 10)

    def look(first_hour: int, end_hour: int) -> None:
        for now in range(START + first_hour * HOUR, START + end_hour * HOUR, 10_000):
            # Coins renew one after the other, so the second one's bitcoin may be a step behind the first's.
            for coin_id in ("bitcoin", "aave", "tether"):
                market.price(coin_id, "btc", now)

    look(0, 1)
    tracemalloc.start()
    try:
        look(1, 11)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # One number a step and walk would be more than 400 kB.
    assert grown < 20_000


def test_coins_on_either_side_of_a_refresh_cost_no_walk_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    market = Market(7, START, 60)
    late = START + 10 * HOUR
    market.price("bitcoin", "usd", late)
    market.price("aave", "usd", late)

    def refuse(*_: object) -> float:
        raise AssertionError("a step was walked again")

    monkeypatch.setattr(random.Random, "gauss", refuse)
    for coin_id in ("aave", "bitcoin", "aave"):
        for back_ms in (0, 60_000, 0):
            assert market.price(coin_id, "usd", late - back_ms) is not None


def test_another_seed_is_another_market() -> None:
    assert walk(Market(7, START, 10), "bitcoin", 0.1) != walk(Market(8, START, 10), "bitcoin", 0.1)


def test_a_price_stands_until_its_refresh_and_refreshes_are_staggered() -> None:
    market = Market(7, START, 60)
    seen = {
        coin_id: [market.price(coin_id, "usd", START + ms) for ms in range(0, 600_000, 1_000)]
        for coin_id in ("bitcoin", "ethereum", "solana", "aave")
    }
    offsets = set()
    for prices in seen.values():
        for index, price in enumerate(prices):
            assert price is not None
            now = START // 1000 + index
            assert now - 60 < price.updated_at <= now
        stamps = sorted({price.updated_at for price in prices if price})
        assert {after - before for before, after in pairwise(stamps)} == {60}
        assert len({price.price for price in prices if price}) == len(stamps)
        offsets.add(stamps[0] % 60)
    assert len(offsets) > 1


def test_levels_and_volatilities_are_plausible() -> None:
    market = Market(7, START, 10)
    bitcoin, doge, tether = (walk(market, coin_id, 24) for coin_id in ("bitcoin", "dogecoin", "tether"))
    assert all(30_000 < price < 130_000 for price in bitcoin)
    assert all(0.995 < price < 1.005 for price in tether)

    def volatility(prices: list[float]) -> float:
        return statistics.pstdev(after / before - 1 for before, after in pairwise(prices))

    assert volatility(doge) > 1.3 * volatility(bitcoin) > 0


def test_there_are_bursts() -> None:
    prices = walk(Market(7, START, 10), "bitcoin", 24)
    moves = [abs(after / before - 1) for before, after in pairwise(prices)]
    calm = statistics.median(moves)
    assert max(moves) > 10 * calm


def test_it_quotes_in_other_currencies_and_knows_what_it_does_not_have() -> None:
    market = Market(7, START, 10)
    usd, btc = market.price("ethereum", "usd", START), market.price("ethereum", "btc", START)
    one = market.price("bitcoin", "btc", START)
    assert usd is not None
    assert btc is not None
    assert one is not None
    assert 0.01 < btc.price < 0.2
    assert one.price == pytest.approx(1.0)
    assert all(market.price("aave", currency, START) for currency in CURRENCIES)
    assert market.price("unheard-of", "usd", START) is None
    with pytest.raises(KeyError):
        market.price("aave", "xyz", START)
