"""The audit finds what was taken away on purpose, names it, and brings it back from the stream."""

import io
import json
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as f
from rich.console import Console

from jobs.audit import audit_lake, report_audit
from jobs.audit_model import Audit, FileDifference
from jobs.audit_scope import Dates
from jobs.backfill import rebuild_range
from jobs.days import Range
from jobs.tables import read_ticks
from pricestream.config import load_settings
from pricestream.settings import Settings
from pricestream.tick import Tick, heartbeat
from tests.conftest import ROOT
from tests.support.streaming import RunningJob, StartJob, Stream, csv_tree, job_arguments, market

NINE = 1_767_603_600_000  # 2026-01-05T09:00:00Z
MINUTE = 60_000
#: 09:50 to 10:10, two coins, every ten seconds: numbers 1 to 240.
TICKS = market({"bitcoin": 60_000.0, "ethereum": 3_000.0}, start_ms=NINE + 50 * MINUTE, minutes=20)
END = NINE + 70 * MINUTE
ALL = Dates()
DAY = Range.parse("2026-01-05", "2026-01-06")


@pytest.fixture(scope="module")
def stream(endpoint: str) -> Stream:
    made = Stream(boto3.client("kinesis", region_name="us-east-1", endpoint_url=endpoint), endpoint)
    made.create()
    return made


@pytest.fixture(scope="module")
def settings(spark: SparkSession, stream: Stream, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake that a job has filled, and stopped. Whoever takes something away from it brings it back."""
    lake = tmp_path_factory.mktemp("audited")
    places = ("ticks", "bars", "csv", "checkpoint", "stop_file", "status_file")
    below = [f"job.{place}={lake}/{place}" for place in places]
    made = load_settings(ROOT / "conf" / "local.yaml", [*stream.overrides, *below, "job.report=null"])
    stream.put_ticks(TICKS)
    # The second closes all windows up to the first, so that what lies between the two is all that is not judged.
    for seq, clock_ms in enumerate((END, END + made.job.watermark_seconds * 1000), start=len(TICKS) + 1):
        stream.put(heartbeat(clock_ms=clock_ms, producer_id="p", seq=seq, source="simulated").to_json())
    job = RunningJob.start(spark, made)
    try:
        job.settle(rows=stream.sent, watermark_ms=END)
    finally:
        job.stop()
    return made


def lose(spark: SparkSession, settings: Settings, *numbers: int) -> None:
    """Take records out of ``ticks``, and make the bars as they would be had they never come."""
    DeltaTable.forPath(spark, settings.job.ticks).delete(f.col("seq").isin(list(numbers)))
    rebuild_range(spark, settings, DAY, [])


def gaps(audit: Audit) -> list[tuple[str, int, int]]:
    return [(gap.producer_id, gap.from_seq, gap.to_seq) for gap in audit.completeness.gaps]


def test_lost_records_are_named_and_come_back(spark: SparkSession, stream: Stream, settings: Settings) -> None:
    streamed = csv_tree(settings)
    # The job has stopped, so a rebuild also closes the hour and the day that it left open. It changes no other line.
    rebuild_range(spark, settings, DAY, [])
    tree = csv_tree(settings)
    assert streamed.keys() < tree.keys()
    assert all(set(data.splitlines()) <= set(tree[key].splitlines()) for key, data in streamed.items())
    whole = audit_lake(spark, settings, ALL)
    assert whole.holds
    assert whole.accounting.distinct == {"ok": 240, "late": 0, "rejected": 0, "heartbeat": 2}
    assert whole.consistency.files == len(tree)

    lost = [11, 12, 13, *range(120, 141), 240]
    lose(spark, settings, *lost)
    assert csv_tree(settings) != tree
    found = audit_lake(spark, settings, ALL)
    assert not found.holds
    assert gaps(found) == [("p", 11, 13), ("p", 120, 140), ("p", 240, 240)]
    first = found.completeness.gaps[0]
    # Two coins a poll, every ten seconds: 10 and 14 are of the fifth and the seventh poll.
    assert first.before is not None
    assert (first.before.polled_ms, first.behind.polled_ms) == (TICKS[9].polled_at, TICKS[13].polled_at)

    repaired = audit_lake(spark, settings, ALL, repair=True)
    assert repaired.holds
    assert repaired.repair is not None
    assert (repaired.repair.landed, repaired.repair.not_found, repaired.repair.forgotten) == (len(lost), 0, 0)
    assert repaired.accounting.added == {"audit": len(lost)}
    assert csv_tree(settings) == tree
    # The rows are what they were, but for who brought them, and when.
    back = read_ticks(spark, settings.job).filter("added_by = 'audit'").select("seq", "payload", "sequence_number")
    payloads = {row["seq"]: bytes(row["payload"]) for row in back.collect()}
    assert payloads == {seq: TICKS[seq - 1].to_json() for seq in lost}

    # Once more changes nothing.
    again = audit_lake(spark, settings, ALL, repair=True)
    assert (again.holds, again.repair) == (True, None)
    assert read_ticks(spark, settings.job).count() == stream.sent


def test_files_that_are_not_what_their_bars_say_are_listed_and_replaced(
    spark: SparkSession, settings: Settings
) -> None:
    tree = csv_tree(settings)
    root = Path(settings.job.csv)
    changed, gone = "interval=1m/date=2026-01-05/hour=09/bars.csv", "interval=1m/date=2026-01-05/hour=10/bars.csv"
    (root / changed).write_bytes(tree[changed].replace(b"ethereum", b"ethereun", 1))
    (root / gone).unlink()
    stray = "interval=1m/date=2026-01-05/hour=11/bars.csv"
    (root / stray).parent.mkdir()
    (root / stray).write_bytes(tree[changed])
    (root / "notes.txt").write_text("not ours")
    found = audit_lake(spark, settings, ALL)
    assert found.consistency.file_differences == (
        FileDifference(changed, "differs"),
        FileDifference(gone, "missing"),
        FileDifference(stray, "unfounded"),
    )
    assert not found.holds
    assert found.completeness.holds
    assert audit_lake(spark, settings, ALL, repair=True).holds
    # The hour had no tick, which the table knows: its file is left with the header, that of every file.
    header = tree[changed].splitlines(keepends=True)[0]
    assert csv_tree(settings) == {**tree, stray: header, "notes.txt": b"not ours"}


@pytest.mark.long
def test_what_the_stream_has_not_is_said(spark: SparkSession, settings: Settings, stream: Stream) -> None:
    lose(spark, settings, 7)
    emptied = settings.model_copy(update={"stream": settings.stream.model_copy(update={"name": f"{stream.name}-2"})})
    stream.client.create_stream(StreamName=emptied.stream.name, ShardCount=1)
    audit = audit_lake(spark, emptied, ALL, repair=True)
    assert gaps(audit) == [("p", 7, 7)]
    assert audit.repair is not None
    assert (audit.repair.landed, audit.repair.not_found) == (0, 1)
    assert audit_lake(spark, settings, ALL, repair=True).holds


@pytest.mark.long
def test_the_command_says_what_it_found_in_words_in_json_and_by_its_exit_code(
    spark: SparkSession, stream: Stream, settings: Settings, tmp_path: Path
) -> None:
    lose(spark, settings, 100)
    command = [sys.executable, "jobs/audit_prices.py", *job_arguments(settings, *stream.overrides)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 6, done.stderr
    assert "p: 100, polled between" in done.stdout
    assert done.stderr.strip().splitlines()[-1].startswith("error: something is missing or differs: see ")
    document = json.loads((Path(settings.job.status_file).parent / "audit.json").read_text())
    assert document["completeness"]["gaps"]["count"] == 1

    repaired = audit_lake(spark, settings, ALL, repair=True)
    page = io.StringIO()
    report_audit(repaired, settings, str(tmp_path / "a" / "out.json"), Console(file=page))
    assert json.loads((tmp_path / "a" / "out.json").read_text())["repair"]["landed"] == 1
    assert "The audit holds" in page.getvalue()


def test_the_audit_runs_beside_the_job(
    spark: SparkSession, stream: Stream, settings: Settings, start_job: StartJob
) -> None:
    job = start_job(settings)
    more = [
        Tick("bitcoin", "usd", 61_000.0 + number, at, at, "p", 243 + number, "simulated")
        for number, at in enumerate(range(END + 10 * MINUTE, END + 20 * MINUTE, 10_000))
    ]
    # The newest is missing a number, as if that were on its way; nothing of it is judged.
    stream.put_ticks([*more[:-3], *more[-2:]])
    job.wait("the rows", lambda: read_ticks(spark, settings.job).count() == stream.sent)
    audit = audit_lake(spark, settings, ALL)
    job.stop()
    assert audit.scope.is_running
    assert audit.completeness.open_gaps == 1
    assert audit.holds
