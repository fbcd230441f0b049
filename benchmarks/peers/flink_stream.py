"""Bars of a stream of JSON lines, by Flink's SQL: ``python flink_stream.py FOLDER OUT PARALLELISM``.

The peers' order of ticks is a text, as SQL has it in Flink, which has no aggregate that takes a value by the least of
another: the time and the number in a fixed width, then the price.
"""

# It is in an environment of its own, where mypy does not look.
# mypy: disable-error-code="import-not-found, misc"

import sys
from pathlib import Path

from pyflink.table import EnvironmentSettings, TableEnvironment

_TICKS = """
CREATE TABLE ticks (
    coin_id STRING,
    vs_currency STRING,
    price DOUBLE,
    event_time BIGINT,
    event_seq BIGINT,
    happened AS TO_TIMESTAMP_LTZ(event_time, 3),
    WATERMARK FOR happened AS happened - INTERVAL '7' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '{source}', 'format' = 'json')
"""

_TREE = """
CREATE TABLE tree (
    coin_id STRING,
    vs_currency STRING,
    window_start STRING,
    window_end STRING,
    `open` DOUBLE,
    high DOUBLE,
    low DOUBLE,
    `close` DOUBLE,
    mean DOUBLE,
    stddev DOUBLE,
    tick_count BIGINT,
    first_tick_at STRING,
    last_tick_at STRING,
    `interval` STRING,
    `date` STRING,
    `hour` STRING
) PARTITIONED BY (`interval`, `date`, `hour`) WITH ('connector' = 'filesystem', 'path' = '{out}', 'format' = 'csv')
"""

# First each tick once, then a bar of them; both in the same windows.
_BARS = """
INSERT INTO tree
WITH once AS (
    SELECT coin_id, vs_currency, price, event_time, event_seq, window_time AS ended
    FROM TABLE(TUMBLE(TABLE ticks, DESCRIPTOR(happened), INTERVAL '1' MINUTE))
    WHERE coin_id <> '_heartbeat'
    GROUP BY coin_id, vs_currency, price, event_time, event_seq, window_start, window_end, window_time
),
placed AS (
    SELECT *, CONCAT(LPAD(CAST(event_time AS STRING), 13, '0'), LPAD(CAST(event_seq AS STRING), 19, '0'),
        CAST(price AS STRING)) AS place
    FROM once
),
bars AS (
    SELECT
        coin_id, vs_currency, window_start, window_end,
        MIN(place) AS first_place, MAX(price) AS high, MIN(price) AS low, MAX(place) AS last_place,
        AVG(price) AS mean, STDDEV_POP(price) AS stddev, COUNT(*) AS tick_count,
        MIN(event_time) AS first_ms, MAX(event_time) AS last_ms
    FROM TABLE(TUMBLE(TABLE placed, DESCRIPTOR(ended), INTERVAL '1' MINUTE))
    GROUP BY coin_id, vs_currency, window_start, window_end
)
SELECT
    coin_id, vs_currency,
    DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss''Z'''), DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss''Z'''),
    CAST(SUBSTRING(first_place FROM 33) AS DOUBLE), high, low, CAST(SUBSTRING(last_place FROM 33) AS DOUBLE),
    mean, stddev, tick_count,
    DATE_FORMAT(TO_TIMESTAMP_LTZ(first_ms, 3), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''),
    DATE_FORMAT(TO_TIMESTAMP_LTZ(last_ms, 3), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''),
    '1m', DATE_FORMAT(window_start, 'yyyy-MM-dd'), DATE_FORMAT(window_start, 'HH')
FROM bars
"""


def main(source: str, out: str, parallelism: str) -> None:
    """Run the query to the end of its input."""
    tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    tables.get_config().set("parallelism.default", parallelism)
    tables.get_config().set("table.local-time-zone", "UTC")
    # What is written stays hidden until a checkpoint, the last of it until the one after the end of the input.
    tables.get_config().set("execution.checkpointing.interval", "1 s")
    # In memory a checkpoint may have 5 MB; one that has more fails, and Flink would begin again, for ever.
    tables.get_config().set("execution.checkpointing.storage", "filesystem")
    tables.get_config().set("execution.checkpointing.dir", Path(f"{out}.checkpoints").absolute().as_uri())
    tables.get_config().set("restart-strategy.type", "none")
    tables.execute_sql(_TICKS.format(source=source))
    tables.execute_sql(_TREE.format(out=out))
    tables.execute_sql(_BARS).wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
