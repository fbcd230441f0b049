import json
from pathlib import Path
from typing import Any

import pytest

from coingecko.chart import Chart, Point, parse_chart
from coingecko.chunk import Chunk

CAPS, VOLUMES = "market_caps", "total_volumes"
CHUNK = Chunk("aave", "usd", 1_000, 2_000)
RECORDED = [
    ("minutely_historical_prices_for_one_coin-1.json", 289),
    ("minutely_historical_prices_for_one_coin.json", 288),
    ("hourly_historical_prices_for_one_coin.json", 722),
    ("daily_historical_prices_for_one_coin.json", 91),
]


def body_of(shared_data: Path, name: str) -> Any:
    return json.loads((shared_data / "coingecko" / name).read_text())["body"]


@pytest.mark.parametrize(("name", "count"), RECORDED)
def test_every_recorded_point_is_read(shared_data: Path, name: str, count: int) -> None:
    body = body_of(shared_data, name)
    chart = parse_chart(body, Chunk("bitcoin", "usd", 0, 4_000_000_000))
    assert (len(chart.points), chart.left_out) == (count, 0)
    series = zip(body["prices"], body["market_caps"], body["total_volumes"], strict=True)
    expected = sorted((price[0], price[1], cap[1], volume[1]) for price, cap, volume in series)
    assert [(each.event_time, each.price, each.market_cap, each.volume_24h) for each in chart.points] == expected


def test_the_recorded_hours_are_cut_at_both_ends(shared_data: Path) -> None:
    body = body_of(shared_data, "hourly_historical_prices_for_one_coin.json")
    # The first point is of 1618499053863, the last two of 1621087334184 and of 1621088009000 sharp.
    chart = parse_chart(body, Chunk("bitcoin", "usd", 1_618_499_054, 1_621_088_009))
    assert (len(chart.points), chart.left_out) == (720, 0)
    assert chart.points[0] == Point(1618504491663, 63082.593789998195, *(body[name][1][1] for name in (CAPS, VOLUMES)))
    assert chart.points[-1] == Point(1621087334184, 49052.68444471721, 917812515473.9926, 58911713335.06181)


def test_what_is_no_price_is_left_out_and_counted() -> None:
    bad = [None, float("nan"), float("inf"), 0, -1.5, True, "3", 10**400]
    prices: list[Any] = [[1_100_000 + index, price] for index, price in enumerate(bad)]
    prices += [[None, 5], ["1200000", 5], [1_200_000], [1_200_000, 5, 6], None, 7]
    chart = parse_chart({"prices": [*prices, [1_300_000, 1e-15]]}, CHUNK)
    assert chart == Chart(CHUNK, [Point(1_300_000, 1e-15)], len(bad) + 6)


def test_the_series_may_differ_in_length_and_hold_nothing() -> None:
    body = {
        "prices": [[1_000_000, 1], [1_001_000, 2], [1_002_000, 3]],
        "market_caps": [[1_001_000, 20], [1_002_000, None], [1_999_000, 9]],
        "total_volumes": [[1_000_000, 0.5], [1_001_000, float("nan")]],
    }
    assert parse_chart(body, CHUNK).points == [
        Point(1_000_000, 1, None, 0.5),
        Point(1_001_000, 2, 20, None),
        Point(1_002_000, 3, None, None),
    ]
    nothing: Any
    for nothing in (None, {}, "x"):
        assert parse_chart({"prices": [[1_000_000, 1]], CAPS: nothing}, CHUNK).points == [Point(1_000_000, 1)]


def test_points_are_in_the_order_of_time_and_none_is_there_twice() -> None:
    body = {"prices": [[1_500_000, 5], [1_400_000, 4], [1_500_000, 5], [1_400_000.0, 3.5]]}
    chart = parse_chart(body, CHUNK)
    assert [(point.event_time, point.price) for point in chart.points] == [
        (1_400_000, 3.5),
        (1_400_000, 4),
        (1_500_000, 5),
    ]


def test_the_range_is_half_open() -> None:
    body = {"prices": [[moment, 1] for moment in (999_999, 1_000_000, 1_999_999, 2_000_000)]}
    assert [point.event_time for point in parse_chart(body, CHUNK).points] == [1_000_000, 1_999_999]


@pytest.mark.parametrize("body", [None, [], "x", {}, {"prices": None}, {"prices": {}}])
def test_what_is_no_chart_is_said_to_be_none(body: object) -> None:
    with pytest.raises(ValueError, match="no list of prices"):
        parse_chart(body, CHUNK)


def test_the_file_has_a_point_a_line_and_every_digit() -> None:
    chart = Chart(CHUNK, [Point(1_000_000, 0.1 + 0.2, None, 3e10), Point(1_000_001, 64_000.0, 1e12)], 0)
    assert chart.to_json_lines() == (
        b'{"coin_id":"aave","vs_currency":"usd","event_time":1000000,"price":0.30000000000000004,'
        b'"market_cap":null,"volume_24h":30000000000.0}\n'
        b'{"coin_id":"aave","vs_currency":"usd","event_time":1000001,"price":64000.0,'
        b'"market_cap":1000000000000.0,"volume_24h":null}\n'
    )
    assert Chart(CHUNK, [], 3).to_json_lines() == b""
