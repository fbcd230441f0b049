"""Measure: what an analyst asks of bars. Functions of tables alone."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from pricestream.interval import interval_seconds

_YEAR_SECONDS: Final = 365 * 86_400
_MARKET: Final = ["coin_id", "vs_currency"]


@dataclass(frozen=True)
class Fall:
    """The deepest fall of a price from a peak before it."""

    #: Percent of the peak, 0 or less.
    depth_pct: float
    peak_at: pd.Timestamp
    trough_at: pd.Timestamp
    #: When the peak was reached again; None where it was not.
    recovered_at: pd.Timestamp | None


def of_coin(bars: pd.DataFrame, coin_id: str, vs_currency: str | None = None) -> pd.DataFrame:
    """Choose one coin's bars, indexed by ``window_start``; of several currencies the first, where none is named."""
    chosen = bars[bars["coin_id"] == coin_id]
    currency = vs_currency or next(iter(sorted(chosen["vs_currency"].unique())), None)
    return chosen[chosen["vs_currency"] == currency].set_index("window_start").sort_index()


def drawdown(close: pd.Series) -> pd.Series:
    """Give how far each price lies below the highest before it, percent, 0 or less."""
    return (close / close.cummax() - 1) * 100


def deepest_fall(close: pd.Series) -> Fall:
    """Find the deepest fall.

    Args:
        close: prices, indexed by time, in order; one at least.
    """
    prices, times = close.to_numpy(), pd.DatetimeIndex(close.index)
    below = drawdown(close).to_numpy()
    trough = int(below.argmin())
    peak = int(prices[: trough + 1].argmax())
    back = np.flatnonzero(prices[trough:] >= prices[peak])
    recovered_at = times[trough + int(back[0])] if len(back) else None
    return Fall(float(below[trough]), times[peak], times[trough], recovered_at)


def volatility(log_returns: pd.Series, interval: str, *, bars: int = 20) -> pd.Series:
    """Give the volatility over the last bars, percent a year.

    It is the sample's standard deviation of the log returns, times the root of the bars in a year of 365 days, since
    this market never closes. Returns that are missing are left out; with less than half of them there is none.

    Args:
        log_returns: of one coin, in order.
        interval: of its bars, such as ``1m``.
        bars: how many.
    """
    in_a_year = _YEAR_SECONDS / interval_seconds(interval)
    deviation: pd.Series[float] = log_returns.rolling(bars, min_periods=max(2, bars // 2)).std()
    return deviation * math.sqrt(in_a_year) * 100


def correlation(bars: pd.DataFrame, *, least: int = 10) -> pd.DataFrame:
    """Correlate the log returns of all coins, window by window (Pearson).

    Args:
        bars: of one interval and one currency.
        least: in so many windows both coins must have a return; else there is no number.
    """
    returns = bars.pivot(index="window_start", columns="coin_id", values="log_return")
    return returns.corr(min_periods=least)


def gaps(bars: pd.DataFrame, interval: str) -> pd.DataFrame:
    """Find the windows without a bar between the first and the last bar of each coin.

    Returns:
        ``coin_id``, ``vs_currency``, ``from`` (the first missing window's start), ``to`` (the next bar's), ``windows``.
    """
    length = pd.Timedelta(seconds=interval_seconds(interval))
    real = bars[bars["close"].notna()].sort_values([*_MARKET, "window_start"])
    before = real.groupby(_MARKET)["window_start"].shift()
    is_behind_gap = before.notna() & (real["window_start"] - before > length)
    found = real.loc[is_behind_gap, [*_MARKET]].copy()
    found["from"] = before[is_behind_gap] + length
    found["to"] = real.loc[is_behind_gap, "window_start"]
    found["windows"] = ((found["to"] - found["from"]).dt.total_seconds() // length.total_seconds()).astype("int64")
    return found.reset_index(drop=True)


def anomalies(bars: pd.DataFrame) -> pd.DataFrame:
    """Choose the bars that the job marked as anomalies, the largest move first."""
    found = bars[bars["anomaly"].eq(True)]
    order = found["return_pct"].abs().sort_values(ascending=False).index
    columns = ["window_start", *_MARKET, "open", "close", "return_pct", "tick_count"]
    return found.loc[order, columns].reset_index(drop=True)


def overview(bars: pd.DataFrame, interval: str) -> pd.DataFrame:
    """Sum up each coin: its last price and change, its volatility over all bars, its deepest fall, what is missing."""
    missing = gaps(bars, interval).groupby(_MARKET)["windows"].sum()
    rows = []
    for key, coin in bars.sort_values("window_start").groupby(_MARKET):
        close = coin.set_index("window_start")["close"]
        whole = volatility(coin["log_return"], interval, bars=max(2, len(coin)))
        rows.append(
            {
                "coin_id": key[0],
                "vs_currency": key[1],
                "last": close.iloc[-1],
                "change_pct": (close.iloc[-1] / coin["open"].iloc[0] - 1) * 100,
                "volatility_pct": whole.iloc[-1],
                "deepest_fall_pct": deepest_fall(close).depth_pct,
                "bars": len(coin),
                "missing": int(missing.get(key, 0)),
                "anomalies": int(coin["anomaly"].eq(True).sum()),
            }
        )
    return pd.DataFrame(rows)


def bars_of_ticks(ticks: pd.DataFrame, interval: str) -> pd.DataFrame:
    """Make bars of ticks with pandas, to hold against those of the job.

    Args:
        ticks: ``coin_id``, ``vs_currency``, ``event_time``, ``event_seq``, ``tick_id``, ``price``; a tick may be there
            several times.
        interval: such as ``1m``.

    Returns:
        ``coin_id``, ``vs_currency``, ``window_start``, ``open``, ``high``, ``low``, ``close``, ``tick_count``.
    """
    order = ["event_time", "event_seq", "tick_id"]
    once = ticks.drop_duplicates([*_MARKET, "tick_id"]).sort_values(order, kind="stable")
    start = once["event_time"].dt.floor(f"{interval_seconds(interval)}s").rename("window_start")
    prices = once.groupby([*_MARKET, start])["price"]
    return prices.agg(open="first", high="max", low="min", close="last", tick_count="size").reset_index()
