"""A CSV tree as the job publishes one, made by hand and by pandas, for tests that have no Spark."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

#: The header, as docs/csv.md has it.
HEADER = (
    "coin_id,vs_currency,window_start,window_end,open,high,low,close,mean,twap,stddev,tick_count,late_count,"
    "first_tick_at,last_tick_at,return_pct,realized_volatility,log_return,sma,ema,bollinger_lower,bollinger_upper,rsi,"
    "anomaly,stale,gap,origin,is_final"
)
COLUMNS = HEADER.split(",")
#: 2026-01-05 09:00 UTC, a Monday.
START = 1_767_603_600


def stamp(seconds: float) -> str:
    """Write a time as the files have it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def key_of(interval: str, length: int, start: int) -> str:
    """Name the file that a window belongs into, as docs/csv.md says."""
    at = datetime.fromtimestamp(start, UTC)
    hour = 0 if length >= 3600 else at.hour
    return f"interval={interval}/date={at:%Y-%m-%d}/hour={hour:02d}/bars.csv"


def bar(coin: str, start: int, length: int, price: float, **more: Any) -> dict[str, Any]:
    """Make a row: it opens at a price and closes one percent higher, unless told otherwise."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= {
        "coin_id": coin,
        "vs_currency": "usd",
        "window_start": stamp(start),
        "window_end": stamp(start + length),
        "open": price,
        "high": price * 1.02,
        "low": price * 0.99,
        "close": price * 1.01,
        "tick_count": 6,
        "late_count": 0,
        "anomaly": "false",
        "stale": "false",
        "gap": "false",
        "origin": "ticks",
        "is_final": "true",
    }
    return row | more


def csv_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """Write rows as a file has them."""
    frame = pd.DataFrame(list(rows), columns=COLUMNS).astype({"tick_count": "Int64", "late_count": "Int64"})
    return frame.sort_values(["coin_id", "vs_currency", "window_start"]).to_csv(index=False, lineterminator="\n")


def wave(coin: str, at: int) -> float:
    """Make up a price that tells coins apart."""
    return (1 + sum(map(ord, coin)) % 50) * (1 + 0.05 * math.sin(at / 900 + len(coin)))


@dataclass
class Published:
    """A tree that grows."""

    root: Path
    interval: str = "1m"
    length: int = 60
    _rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, *rows: dict[str, Any]) -> None:
        """Publish rows: their files are replaced whole."""
        touched = set()
        for row in rows:
            start = int(datetime.fromisoformat(row["window_start"]).timestamp())
            key = key_of(self.interval, self.length, start)
            self._rows.setdefault(key, []).append(row)
            touched.add(key)
        for key in touched:
            path = self.root / key
            path.parent.mkdir(parents=True, exist_ok=True)
            scratch = path.with_name(".new")
            scratch.write_text(csv_text(self._rows[key]), encoding="utf-8")
            scratch.replace(path)

    def fill(
        self,
        coins: Iterable[str],
        windows: range,
        price: Callable[[str, int], float] = wave,
        *,
        skip: Iterable[tuple[str, int]] = (),
    ) -> None:
        """Publish a row for each coin and window, counted from :data:`START`, with bands over 20 bars."""
        left_out = set(skip)
        rows = []
        for coin in coins:
            opens = pd.Series(
                {at: price(coin, START + at * self.length) for at in windows if (coin, at) not in left_out}
            )
            closes = opens.shift(-1).fillna(opens.iloc[-1] * 1.001)
            mean, spread = closes.rolling(20).mean(), closes.rolling(20).std(ddof=0)
            for at in opens.index:
                low, high = sorted((opens[at], closes[at]))
                bands = {
                    "sma": mean[at],
                    "bollinger_lower": mean[at] - 2 * spread[at],
                    "bollinger_upper": mean[at] + 2 * spread[at],
                }
                known = {name: value for name, value in bands.items() if not math.isnan(value)}
                rows.append(
                    bar(
                        coin,
                        START + at * self.length,
                        self.length,
                        opens[at],
                        close=closes[at],
                        high=high * 1.002,
                        low=low * 0.998,
                        tick_count=4 + at % 5,
                        **known,
                    )
                )
        self.add(*rows)
