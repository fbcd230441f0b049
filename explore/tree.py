"""Tree: the CSV files of bars, read by pandas, DuckDB and Spark."""

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pandas as pd

from explore.place import Place
from jobs.storage import S3_SCHEMES, Store, local_path, open_store, spark_path
from pricestream.errors import StorageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_TIMES: Final = ("window_start", "window_end", "first_tick_at", "last_tick_at")
_MARKET: Final = ["coin_id", "vs_currency"]

#: What each of the three readers is asked for: the same question in pandas, SQL and Spark.
_QUESTION: Final = """
    SELECT coin_id, vs_currency, count(*) AS bars, sum(tick_count) AS ticks, min(low) AS low, max(high) AS high,
           max_by(close, window_start) AS last
    FROM {bars} GROUP BY coin_id, vs_currency ORDER BY coin_id, vs_currency
"""


def csv_store(place: Place) -> Store:
    """Open the tree, on a disk or on S3."""
    return open_store(place.settings.job.csv, place.settings.job.s3, place.settings.stream.region)


def file_hashes(place: Place) -> dict[str, str]:
    """Give the SHA-256 of every file of the tree, by its path in it."""
    store = csv_store(place)
    return {key: hashlib.sha256(store.read(key) or b"").hexdigest() for key in sorted(store.list_keys())}


def local_tree(place: Place, interval: str) -> Path:
    """Give a folder on this machine with one interval's files: the tree itself, or what is copied from S3.

    Raises:
        StorageError: there are none.
    """
    root = place.settings.job.csv
    if urlsplit(root).scheme not in S3_SCHEMES:
        folder = local_path(root)
    else:
        folder = Path(tempfile.mkdtemp(prefix="pricestream-csv-"))
        store = csv_store(place)
        for key in store.list_keys(f"interval={interval}"):
            target = folder / key
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(store.read(key) or b"")
    if not any(folder.glob(f"interval={interval}/*/*/bars.csv")):
        raise StorageError(f"{root}: has no bars of {interval} yet; run 02_stream, or ./scripts/demo, first")
    return folder


def read_bars(place: Place, interval: str) -> pd.DataFrame:
    """Read the bars of an interval with pandas, in the order of the files' lines. Times are UTC.

    Raises:
        StorageError: there are none.
    """
    files = sorted(local_tree(place, interval).glob(f"interval={interval}/*/*/bars.csv"))
    # By itself pandas reads a number a little beside what is written.
    bars = pd.concat([pd.read_csv(file, float_precision="round_trip") for file in files], ignore_index=True)
    for name in _TIMES:
        bars[name] = pd.to_datetime(bars[name], utc=True, format="ISO8601")
    return bars.sort_values([*_MARKET, "window_start"], ignore_index=True)


def per_coin_by_pandas(place: Place, interval: str) -> pd.DataFrame:
    """Sum up each coin's bars with pandas.

    Raises:
        StorageError: there are none.
    """
    groups = read_bars(place, interval).groupby(_MARKET)
    return groups.agg(
        bars=("close", "size"),
        ticks=("tick_count", "sum"),
        low=("low", "min"),
        high=("high", "max"),
        last=("close", "last"),
    ).reset_index()


def per_coin_by_duckdb(place: Place, interval: str) -> pd.DataFrame:
    """Sum up each coin's bars with DuckDB, which reads the files as they are.

    Raises:
        StorageError: there are none.
    """
    import duckdb

    files = f"{local_tree(place, interval)}/interval={interval}/*/*/bars.csv"
    question = _QUESTION.format(bars="read_csv(?, hive_partitioning = true)")
    with duckdb.connect() as connection:
        answer = connection.execute(question, [files]).df()
    return _alike(answer)


def per_coin_by_spark(spark: "SparkSession", place: Place, interval: str) -> pd.DataFrame:
    """Sum up each coin's bars with Spark, where the tree is."""
    root = spark_path(place.settings.job.csv).rstrip("/")
    bars = spark.read.csv(f"{root}/interval={interval}", header=True, inferSchema=True)
    rows = spark.sql(_QUESTION.format(bars="{bars}"), bars=bars).collect()
    return _alike(pd.DataFrame([row.asDict() for row in rows]))


def _alike(answer: pd.DataFrame) -> pd.DataFrame:
    return answer.astype({"bars": "int64", "ticks": "int64"})
