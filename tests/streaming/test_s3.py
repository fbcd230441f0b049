"""Everything on S3: tables and checkpoints through S3A, the CSV tree by conditional PUTs."""

import io
from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import pytest

from tests.conftest import MakeSettings
from tests.support.streaming import StartJob, Stream, closing, csv_tree, market

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

NINE = 1_767_603_600_000  # 2026-01-05T09:00:00Z
MINUTE = 60_000


@pytest.mark.timeout(400)
def test_the_tree_on_s3_is_the_tree_on_a_disk(
    s3: "S3Client", endpoint: str, stream: Stream, make_settings: MakeSettings, start_job: StartJob, tmp_path: "Path"
) -> None:
    s3.create_bucket(Bucket="lake")
    ticks = market({"bitcoin": 60_000.0, "shiba-inu": 1e-5}, start_ms=NINE + 55 * MINUTE, minutes=10)
    end = NINE + 65 * MINUTE
    on_s3 = make_settings(
        *stream.overrides,
        f"job.s3.endpoint_url={endpoint}",
        "job.s3.path_style=true",
        "job.trigger_seconds=1",
        root="s3a://lake/prices",
    )
    on_disk = make_settings(*stream.overrides)
    stream.put_ticks(ticks)
    stream.put(closing(on_disk, end))
    for settings in (on_s3, on_disk):
        job = start_job(settings)
        job.settle(rows=stream.sent, watermark_ms=end)
        job.stop()
    listed = s3.list_objects_v2(Bucket="lake", Prefix="prices/csv/")["Contents"]
    keys = [each["Key"].removeprefix("prices/csv/") for each in listed]
    trees = {key: s3.get_object(Bucket="lake", Key=f"prices/csv/{key}")["Body"].read() for key in keys}
    assert trees == csv_tree(on_disk)
    assert keys == [
        "interval=15m/date=2026-01-05/hour=09/bars.csv",
        "interval=1h/date=2026-01-05/hour=00/bars.csv",
        "interval=1m/date=2026-01-05/hour=09/bars.csv",
        "interval=1m/date=2026-01-05/hour=10/bars.csv",
        "interval=5m/date=2026-01-05/hour=09/bars.csv",
        "interval=5m/date=2026-01-05/hour=10/bars.csv",
    ]
    trees = {key: data for key, data in trees.items() if "interval=1m" in key}

    # As they are: the bytes of an object go straight into pandas and DuckDB.
    frames = [pd.read_csv(io.BytesIO(data)) for data in trees.values()]
    assert sum(frame.tick_count.sum() for frame in frames) == len(ticks)
    for key, data in trees.items():
        (tmp_path / "copy" / key).parent.mkdir(parents=True)
        (tmp_path / "copy" / key).write_bytes(data)
    query = f"SELECT hour::INT, sum(tick_count) FROM read_csv('{tmp_path}/copy/**/*.csv') GROUP BY ALL ORDER BY 1"
    assert duckdb.connect().execute(query).fetchall() == [(9, len(ticks) // 2), (10, len(ticks) // 2)]
