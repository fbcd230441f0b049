"""CoinGecko's charts, read without trusting them: a coin's price, market cap and volume over time."""

import json
from dataclasses import dataclass

from coingecko.chunk import Chunk
from coingecko.number import finite_number


@dataclass(frozen=True, slots=True)
class Point:
    """A coin's figures at one moment (epoch milliseconds UTC), in the currency of the chart."""

    event_time: int
    price: float
    market_cap: float | None = None
    volume_24h: float | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """The points of one chunk, in the order of time.

    Attributes:
        chunk: what was asked for.
        points: what can be used of the answer.
        left_out: how many entries of the answer have no usable price or time.
    """

    chunk: Chunk
    points: list[Point]
    left_out: int

    def to_json_lines(self) -> bytes:
        """Serialise to the file that is kept: a point a line, and nothing where there is none."""
        names = {"coin_id": self.chunk.coin_id, "vs_currency": self.chunk.vs_currency}
        lines = [
            names
            | {
                "event_time": point.event_time,
                "price": point.price,
                "market_cap": point.market_cap,
                "volume_24h": point.volume_24h,
            }
            for point in self.points
        ]
        return b"".join(json.dumps(line, separators=(",", ":"), allow_nan=False).encode() + b"\n" for line in lines)


def parse_chart(body: object, chunk: Chunk) -> Chart:
    """Read an answer to ``/coins/{id}/market_chart/range``; points outside of the chunk are cut off.

    Raises:
        ValueError: it is no such answer.
    """
    if not isinstance(body, dict) or not isinstance(body.get("prices"), list):
        raise ValueError("the answer has no list of prices")
    market_caps = _by_time(body.get("market_caps"))
    volumes = _by_time(body.get("total_volumes"))
    points: set[Point] = set()
    left_out = 0
    for entry in body["prices"]:
        moment, price = _pair(entry)
        if moment is None or price is None or price <= 0:
            left_out += 1
        elif chunk.start_s * 1000 <= moment < chunk.end_s * 1000:
            points.add(Point(moment, price, market_caps.get(moment), volumes.get(moment)))
    # In the order of time: the last one of an answer is at times set before the one in front of it. Of one
    # that comes twice one is kept.
    return Chart(chunk, sorted(points, key=lambda point: (point.event_time, point.price)), left_out)


def _by_time(series: object) -> dict[int, float]:
    """Read a series that goes with the prices; it may be shorter, longer or not there at all."""
    pairs = [_pair(entry) for entry in series] if isinstance(series, list) else []
    return {moment: value for moment, value in pairs if moment is not None and value is not None}


def _pair(entry: object) -> tuple[int | None, float | None]:
    if not isinstance(entry, list) or len(entry) != 2:
        return None, None
    moment = finite_number(entry[0])
    return None if moment is None else round(moment), finite_number(entry[1])
