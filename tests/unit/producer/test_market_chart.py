"""The charts of the made-up market, as its server gives them."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import requests

from coingecko.clock import VirtualClock
from producer.market import Market
from producer.server import Fault, MarketServer

DAY = 86_400
#: 2026-01-05T09:00:00Z, and 100 days later.
MARKET_S = 1_767_603_600
NOW_S = MARKET_S + 100 * DAY


@pytest.fixture
def server() -> Iterator[MarketServer]:
    with MarketServer(Market(7, MARKET_S * 1000, 300), VirtualClock(NOW_S * 1000)) as running:
        yield running


def get(server: MarketServer, path: str) -> tuple[int, Any]:
    with requests.Session() as session:
        session.trust_env = False
        response = session.get(f"{server.url}/coins/{path}", timeout=10)
        return response.status_code, response.json()


def moments(server: MarketServer, from_s: int, to_s: int) -> list[int]:
    status, body = get(server, f"bitcoin/market_chart/range?vs_currency=usd&from={from_s}&to={to_s}")
    assert status == 200
    assert list(body) == ["prices", "market_caps", "total_volumes"]
    times = [[moment / 1000 for moment, _ in series] for series in body.values()]
    assert times[0] == times[1] == times[2]
    return times[0]


@pytest.mark.parametrize(
    ("from_s", "to_s", "spacing", "count"),
    [
        (NOW_S - DAY, NOW_S, 300, 289),
        (NOW_S - 3_600, NOW_S - 600, 300, 11),
        (NOW_S - DAY - 1, NOW_S, 3_600, 25),
        (NOW_S - 3 * DAY, NOW_S - 2 * DAY, 3_600, 25),
        (NOW_S - 90 * DAY, NOW_S, 3_600, 90 * 24 + 1),
        (NOW_S - 90 * DAY - 1, NOW_S, DAY, 90),
    ],
)
def test_points_are_as_far_apart_as_the_api_s(
    server: MarketServer, from_s: int, to_s: int, spacing: int, count: int
) -> None:
    found = moments(server, from_s, to_s)
    assert len(found) == count
    assert {after - before for before, after in pairwise(found)} == {spacing}
    assert all(moment % spacing == 0 for moment in found)
    assert from_s <= found[0]
    assert found[-1] <= to_s


def test_there_is_nothing_before_the_market_began_and_nothing_in_the_future(server: MarketServer) -> None:
    assert moments(server, MARKET_S - 5 * DAY, MARKET_S + 3_599) == [MARKET_S]
    assert moments(server, NOW_S - 600, NOW_S + DAY) == [NOW_S - 600, NOW_S - 300, NOW_S]
    assert moments(server, NOW_S + 1, NOW_S + DAY) == []


def test_a_point_is_the_market_s_price_of_that_moment(server: MarketServer) -> None:
    _, body = get(server, f"aave/market_chart/range?vs_currency=eth&from={NOW_S - 3 * DAY}&to={NOW_S - 3 * DAY}")
    price = Market(7, MARKET_S * 1000, 300).price("aave", "eth", (NOW_S - 3 * DAY) * 1000)
    assert price is not None
    moment = (NOW_S - 3 * DAY) * 1000
    assert body == {
        "prices": [[moment, price.price]],
        "market_caps": [[moment, price.market_cap]],
        "total_volumes": [[moment, price.volume_24h]],
    }


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("unheard-of/market_chart/range?vs_currency=usd&from=1767603600&to=1767690000", 404, "coin not found"),
        ("bitcoin/market_chart/range?vs_currency=uds&from=1&to=2", 422, "invalid vs_currency"),
        ("bitcoin/market_chart/range?vs_currency=usd&to=2", 422, "Missing parameter from"),
        ("bitcoin/market_chart/range?vs_currency=usd&from=a&to=2", 422, "from and to must be UNIX timestamps"),
    ],
)
def test_what_it_cannot_answer_is_an_error_as_the_api_gives_it(
    server: MarketServer, path: str, status: int, message: str
) -> None:
    assert get(server, path) == (status, {"error": message})


def test_faults_come_before_right_answers(server: MarketServer) -> None:
    path = "bitcoin/market_chart/range?vs_currency=usd&from=1767603600&to=1767603600"
    server.faults += [Fault(503, body=b'{"error":"busy"}'), Fault(drop=True)]
    assert get(server, path) == (503, {"error": "busy"})
    with pytest.raises(requests.ConnectionError):
        get(server, path)
    assert get(server, path)[0] == 200
    assert list(server.paths) == [f"/api/v3/coins/{path}"] * 3
