"""Check: bars held against what pandas makes of their ticks, and what Spark says of its queries."""

from typing import TYPE_CHECKING, Final

import pandas as pd
from pyspark.sql import functions as f

from explore.measure import bars_of_ticks
from explore.place import Place
from jobs.remake import accepted_ticks
from pricestream.interval import interval_seconds

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_KEY: Final = ["coin_id", "vs_currency", "window_start"]
_COMPARED: Final = ["open", "high", "low", "close", "tick_count"]
_TICK: Final = ("coin_id", "vs_currency", "event_seq", "tick_id", "price")


def ticks_of(spark: "SparkSession", place: Place, bars: pd.DataFrame, interval: str) -> pd.DataFrame:
    """Read the accepted ticks of the windows that these bars are of; there should be hours of them, not months."""
    first = int(bars["window_start"].min().timestamp())
    end = int(bars["window_start"].max().timestamp()) + interval_seconds(interval)
    ticks = accepted_ticks(spark, place.settings, first=first, end=end)
    # As a number: what collect() makes of a time depends on the machine's zone.
    rows = ticks.select(*_TICK, f.unix_millis("event_time").alias("event_time")).collect()
    frame = pd.DataFrame([row.asDict() for row in rows])
    frame["event_time"] = pd.to_datetime(frame["event_time"], unit="ms", utc=True)
    return frame


def newest(bars: pd.DataFrame, windows: int) -> pd.DataFrame:
    """Choose the bars of the newest windows that there are, of all coins."""
    starts = bars["window_start"].drop_duplicates().nlargest(windows)
    recent: pd.DataFrame = bars[bars["window_start"] >= starts.min()]
    return recent


def differences(bars: pd.DataFrame, ticks: pd.DataFrame, interval: str) -> pd.DataFrame:
    """Find the bars that pandas makes otherwise of these ticks; none, where all is well.

    Returns:
        ``coin_id``, ``vs_currency``, ``window_start``, and of both sides ``open``, ``high``, ``low``, ``close`` and
        ``tick_count``, those of pandas with ``_by_pandas`` behind.
    """
    own = bars_of_ticks(ticks, interval)
    both = bars[[*_KEY, *_COMPARED]].merge(own, on=_KEY, how="outer", suffixes=("", "_by_pandas"))
    is_other = pd.concat([both[name] != both[f"{name}_by_pandas"] for name in _COMPARED], axis=1).any(axis=1)
    return both[is_other].reset_index(drop=True)


def query_table(spark: "SparkSession") -> pd.DataFrame:
    """Lay out what each running query last reported."""
    rows = []
    for query in spark.streams.active:
        last = query.lastProgress or {}
        durations = last.get("durationMs", {})
        rows.append(
            {
                "query": query.name,
                "micro-batch": last.get("batchId"),
                "rows read": last.get("numInputRows"),
                "took (ms)": durations.get("triggerExecution"),
                "state": query.status["message"],
            }
        )
    return pd.DataFrame(rows)
