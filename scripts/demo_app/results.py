"""What a demo made, read back the way anybody would: the CSV tree with pandas."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True, slots=True)
class CoinResult:
    """One coin's run.

    Attributes:
        coin_id: CoinGecko id.
        vs_currency: what it is priced in.
        last: the close of its last final bar, or the newest price where no bar is final yet.
        change_pct: ``last`` against the open of its first bar, percent; None without a bar.
        bars: final bars.
        ticks: ticks in them.
        open_ticks: ticks whose bar is not final yet.
    """

    coin_id: str
    vs_currency: str
    last: float
    change_pct: float | None
    bars: int
    ticks: int
    open_ticks: int = 0


_KEY = ["coin_id", "vs_currency"]


def read_results(csv: Path, ticks: Path, interval: str, *, is_complete: bool) -> list[CoinResult]:
    """Sum up each coin's bars of one interval, sorted by coin.

    Args:
        csv: the CSV tree.
        ticks: the ticks table, for what is not in a final bar yet.
        interval: e.g. ``1m``.
        is_complete: whether every tick is in a bar, so that the ticks need no look.
    """
    bars = read_bars(csv, interval)
    finished = {(row.coin_id, row.vs_currency): row for row in _of_bars(bars)}
    if is_complete:
        return sorted(finished.values(), key=_name)
    return sorted(_with_open(finished, read_open_ticks(ticks), _closed(bars)), key=_name)


def read_bars(csv: Path, interval: str) -> pd.DataFrame:
    """Read the bars of one interval; empty where there are none."""
    files = sorted(csv.glob(f"interval={interval}/date=*/hour=*/bars.csv"))
    if not files:
        return pd.DataFrame()
    bars = pd.concat([pd.read_csv(file) for file in files], ignore_index=True)
    bars["window_end"] = pd.to_datetime(bars["window_end"], utc=True, format="ISO8601")
    return bars.sort_values([*_KEY, "window_end"])


def read_open_ticks(ticks: Path) -> pd.DataFrame:
    """Read the accepted ticks, each once, in the order of their events.

    The table is read as the Parquet files that it consists of: nothing is ever taken out of it during
    a demo, and a tick that stands in two files is counted once.
    """
    if not any(ticks.glob("date=*/*.parquet")):
        return pd.DataFrame(columns=[*_KEY, "event_time", "price"])
    columns = [*_KEY, "event_time", "price", "tick_id"]
    found = pd.read_parquet(ticks, columns=columns, filters=[("status", "==", "ok")])
    found["event_time"] = pd.to_datetime(found["event_time"], utc=True)
    return found.drop_duplicates("tick_id").sort_values("event_time", kind="stable")


def _of_bars(bars: pd.DataFrame) -> list[CoinResult]:
    if bars.empty:
        return []
    return [
        CoinResult(
            coin_id=str(group["coin_id"].iloc[0]),
            vs_currency=str(group["vs_currency"].iloc[0]),
            last=float(group["close"].iloc[-1]),
            change_pct=float((group["close"].iloc[-1] / group["open"].iloc[0] - 1) * 100),
            bars=len(group),
            ticks=int(group["tick_count"].sum()),
        )
        for _, group in bars.groupby(_KEY)
    ]


def _closed(bars: pd.DataFrame) -> dict[tuple[str, str], pd.Timestamp]:
    """Give the end of each coin's last final bar."""
    if bars.empty:
        return {}
    return dict(zip(zip(bars["coin_id"], bars["vs_currency"], strict=True), bars["window_end"], strict=True))


def _with_open(
    finished: dict[tuple[str, str], CoinResult], ticks: pd.DataFrame, closed: dict[tuple[str, str], pd.Timestamp]
) -> list[CoinResult]:
    results = dict(finished)
    for _, group in ticks.groupby(_KEY):
        key = (str(group["coin_id"].iloc[0]), str(group["vs_currency"].iloc[0]))
        is_open = group["event_time"] >= closed.get(key, group["event_time"].iloc[0])
        known = finished.get(key)
        results[key] = CoinResult(
            coin_id=key[0],
            vs_currency=key[1],
            last=known.last if known else float(group["price"].iloc[-1]),
            change_pct=known.change_pct if known else None,
            bars=known.bars if known else 0,
            ticks=known.ticks if known else 0,
            open_ticks=int(is_open.sum()),
        )
    return list(results.values())


def _name(result: CoinResult) -> tuple[str, str]:
    return result.coin_id, result.vs_currency
