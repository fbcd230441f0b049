"""The made-up market's history, as CoinGecko's charts give it."""

from typing import Final

from producer.market import Market

_DAY: Final = 86_400
_HOURLY_UP_TO: Final = 90 * _DAY


def chart(
    market: Market, coin_id: str, currency: str, *, from_s: int, to_s: int, now_s: int
) -> dict[str, list[list[float]]] | None:
    """Give a coin's figures from ``from_s`` to ``to_s`` (epoch seconds, both included), of the past only.

    Points are 5 minutes apart within the last day, else an hour, or a day where the range is longer
    than 90 days.

    Returns:
        What ``/coins/{id}/market_chart/range`` answers; None for a coin that the market does not have.

    Raises:
        KeyError: the market does not quote in ``currency``.
    """
    series: dict[str, list[list[float]]] = {"prices": [], "market_caps": [], "total_volumes": []}
    step = _step(from_s, to_s, now_s)
    if market.price(coin_id, currency, now_s * 1000) is None:
        return None
    first_s = -(-max(from_s, market.start_s) // step) * step
    for moment_s in range(first_s, min(to_s, now_s) + 1, step):
        price = market.price(coin_id, currency, moment_s * 1000)
        if price is not None:
            for name, value in zip(series, (price.price, price.market_cap, price.volume_24h), strict=True):
                series[name].append([moment_s * 1000, value])
    return series


def _step(from_s: int, to_s: int, now_s: int) -> int:
    if to_s - from_s > _HOURLY_UP_TO:
        return _DAY
    return 300 if from_s >= now_s - _DAY else 3_600
