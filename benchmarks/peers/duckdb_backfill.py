"""Bars of ticks in files, by DuckDB: ``python duckdb_backfill.py KIND INPUT OUT THREADS``."""

import sys

import duckdb

_READERS = {
    "parquet": "read_parquet($input)",
    "json": (
        "read_json($input, format = 'newline_delimited', columns = {coin_id: 'VARCHAR', vs_currency: 'VARCHAR', "
        "event_time: 'BIGINT', event_seq: 'BIGINT', price: 'DOUBLE'})"
    ),
}

_BARS = """
COPY (
    WITH ticks AS (SELECT DISTINCT coin_id, vs_currency, event_time, event_seq, price FROM {reader}),
    bars AS (
        SELECT
            coin_id,
            vs_currency,
            event_time // 60000 * 60000 AS start_ms,
            arg_min(price, (event_time, event_seq)) AS open,
            max(price) AS high,
            min(price) AS low,
            arg_max(price, (event_time, event_seq)) AS close,
            avg(price) AS mean,
            stddev_pop(price) AS stddev,
            count(*) AS tick_count,
            min(event_time) AS first_ms,
            max(event_time) AS last_ms
        FROM ticks
        GROUP BY ALL
    )
    SELECT
        coin_id,
        vs_currency,
        strftime(make_timestamp(start_ms * 1000), '%Y-%m-%dT%H:%M:%SZ') AS window_start,
        strftime(make_timestamp((start_ms + 60000) * 1000), '%Y-%m-%dT%H:%M:%SZ') AS window_end,
        open, high, low, close, mean, stddev, tick_count,
        strftime(make_timestamp(first_ms * 1000), '%Y-%m-%dT%H:%M:%S.%gZ') AS first_tick_at,
        strftime(make_timestamp(last_ms * 1000), '%Y-%m-%dT%H:%M:%S.%gZ') AS last_tick_at,
        '1m' AS "interval",
        strftime(make_timestamp(start_ms * 1000), '%Y-%m-%d') AS date,
        strftime(make_timestamp(start_ms * 1000), '%H') AS hour
    FROM bars
    ORDER BY date, hour, coin_id, vs_currency, start_ms
) TO '{out}' (FORMAT csv, HEADER, PARTITION_BY ("interval", date, hour))
"""


def main(kind: str, source: str, out: str, threads: str) -> None:
    """Read, make bars, write a tree of CSV."""
    database = duckdb.connect(config={"threads": threads})
    database.execute(_BARS.format(reader=_READERS[kind], out=out), {"input": source})


if __name__ == "__main__":
    main(*sys.argv[1:])
