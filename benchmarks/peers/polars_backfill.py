"""Bars of ticks in files, by Polars: ``python polars_backfill.py KIND INPUT OUT THREADS``."""

# It is in an environment of its own, where mypy does not look.
# mypy: disable-error-code="import-not-found, misc"

import os
import sys
from pathlib import Path

# It is read once, when Polars is imported.
os.environ["POLARS_MAX_THREADS"] = sys.argv[4]

import polars as pl

_SCHEMA = {
    "coin_id": pl.String,
    "vs_currency": pl.String,
    "price": pl.Float64,
    "event_time": pl.Int64,
    "event_seq": pl.Int64,
}
_ORDER = ("event_time", "event_seq")


def main(kind: str, source: str, out: str) -> None:
    """Read, make bars, write a tree of CSV."""
    rows = pl.scan_parquet(source) if kind == "parquet" else pl.scan_ndjson(source, schema=_SCHEMA)
    start = pl.col("event_time") // 60_000 * 60_000
    bars = (
        rows.select(*_SCHEMA)
        .unique()
        .group_by("coin_id", "vs_currency", start.alias("start_ms"))
        .agg(
            pl.col("price").sort_by(*_ORDER).first().alias("open"),
            pl.col("price").max().alias("high"),
            pl.col("price").min().alias("low"),
            pl.col("price").sort_by(*_ORDER).last().alias("close"),
            pl.col("price").mean().alias("mean"),
            pl.col("price").std(ddof=0).alias("stddev"),
            pl.len().alias("tick_count"),
            pl.col("event_time").min().alias("first_ms"),
            pl.col("event_time").max().alias("last_ms"),
        )
        .sort("coin_id", "vs_currency", "start_ms")
        .with_columns(
            _text(pl.col("start_ms"), "%Y-%m-%dT%H:%M:%SZ").alias("window_start"),
            _text(pl.col("start_ms") + 60_000, "%Y-%m-%dT%H:%M:%SZ").alias("window_end"),
            _text(pl.col("first_ms"), "%Y-%m-%dT%H:%M:%S%.3fZ").alias("first_tick_at"),
            _text(pl.col("last_ms"), "%Y-%m-%dT%H:%M:%S%.3fZ").alias("last_tick_at"),
            _text(pl.col("start_ms"), "date=%Y-%m-%d/hour=%H").alias("folder"),
        )
        .drop("start_ms", "first_ms", "last_ms")
        .collect()
    )
    for (folder,), part in bars.partition_by("folder", as_dict=True, include_key=False).items():
        place = Path(out) / "interval=1m" / str(folder)
        place.mkdir(parents=True)
        part.write_csv(place / "bars.csv")


def _text(milliseconds: pl.Expr, pattern: str) -> pl.Expr:
    return pl.from_epoch(milliseconds, time_unit="ms").dt.strftime(pattern)


if __name__ == "__main__":
    main(*sys.argv[1:4])
