"""Crashes: wherever the job ends, the CSV tree ends as that of a run that was left in peace, byte for byte."""

import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pyspark.sql import SparkSession

import jobs.publish
import jobs.sink
import jobs.stream
from faults.small_disk import CannotMountError, small_disk
from faults.submitted_job import SubmittedJob
from jobs.backfill import rebuild_range
from jobs.batches import Batches
from jobs.checkpoint import open_checkpoint
from jobs.days import Range
from jobs.query_error import QueryError, reason_of
from jobs.tables import create_tables, read_ticks
from pricestream.errors import PricestreamError, StorageError
from pricestream.settings import Settings
from pricestream.tick import Tick
from tests.conftest import ROOT, MakeSettings
from tests.support.streaming import (
    RunningJob,
    StartJob,
    Stream,
    closing,
    csv_tree,
    market,
    minute_bars,
    status_of,
    wait_for,
)

NINE = 1_767_603_600_000  # 2026-01-05T09:00:00Z
MINUTE = 60_000

#                09:00 |-- before --| 09:15 |-- after --| 09:25, and the clock that closes it all
BEFORE = market({"bitcoin": 60_000.0, "ethereum": 3_000.0}, start_ms=NINE, minutes=15)
AFTER = market({"bitcoin": 61_000.0, "ethereum": 2_900.0}, start_ms=NINE + 15 * MINUTE, minutes=10)
END = NINE + 25 * MINUTE


@pytest.fixture(scope="module")
def in_peace(spark: SparkSession, endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The tree of a run without a crash, all records in one go."""
    import boto3

    from pricestream.config import load_settings

    stream = Stream(boto3.client("kinesis", region_name="us-east-1", endpoint_url=endpoint), endpoint)
    stream.create()
    lake = tmp_path_factory.mktemp("in_peace")
    places = ("ticks", "bars", "csv", "checkpoint", "stop_file", "status_file")
    below = [f"job.{place}={lake}/{place}" for place in places]
    settings = load_settings(ROOT / "conf" / "local.yaml", [*stream.overrides, *below, "job.report=null"])
    send(stream, settings, [*BEFORE, *AFTER], end=True)
    job = RunningJob.start(spark, settings)
    try:
        job.settle(rows=stream.sent, watermark_ms=END)
    finally:
        job.stop()
    tree = csv_tree(settings)
    # Two coins, and of each interval as many windows as have closed: no hour has.
    rows = {"15m": 2 * 1, "1m": 2 * 25, "5m": 2 * 5}
    assert {key: len(data.splitlines()) for key, data in tree.items()} == {
        f"interval={interval}/date=2026-01-05/hour=09/bars.csv": 1 + count for interval, count in rows.items()
    }
    return tree


def send(stream: Stream, settings: Settings, ticks: list[Tick], *, end: bool = False) -> None:
    stream.put_ticks(ticks)
    if end:
        stream.put(closing(settings, END))


def within(make: Callable[..., Callable[[Batches], Batches]]) -> Callable[..., Any]:
    """Make what is run in the executors fail once it has replaced a file, the first time that it is made."""
    calls = iter([True])

    def crash(*args: Any) -> Callable[[Batches], Batches]:
        run = make(*args)

        def fail(batches: Batches) -> Iterator[Any]:
            yield next(iter(run(batches)))
            raise RuntimeError("killed")

        return fail if next(calls, False) else run

    return crash


def once(function: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    """Make a function fail once, before or after it has done its work."""
    calls = iter([True])

    def crash(*args: Any, **kwargs: Any) -> Any:
        is_first = next(calls, False)
        if is_first and not after:
            raise RuntimeError("killed")
        result = function(*args, **kwargs)
        if is_first:
            raise RuntimeError("killed")
        return result

    return crash


before, after = partial(once, after=False), partial(once, after=True)
POINTS: dict[str, tuple[ModuleType, str, Callable[..., Any]]] = {
    "after the ticks commit, before the offset commit": (jobs.stream, "append_ticks", after),
    "before the bars commit": (jobs.sink, "upsert_bars", before),
    "after the bars commit, before publishing": (jobs.sink, "publish", before),
    "in the midst of publishing": (jobs.publish, "_replace_files", within),
    "after publishing, before the offset commit": (jobs.sink, "publish", after),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_a_named_point_with_new_records_before_the_restart(
    point: str,
    in_peace: dict[str, bytes],
    spark: SparkSession,
    stream: Stream,
    make_settings: MakeSettings,
    start_job: StartJob,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module, name, crash = POINTS[point]
    settings = make_settings(*stream.overrides)
    send(stream, settings, BEFORE)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, crash(getattr(module, name)))
        job = start_job(settings)
        wait_for("the crash", lambda: bool(job.errors))
        job.stop()
    assert isinstance(job.errors[0], QueryError)
    assert "killed" in str(job.errors[0])

    send(stream, settings, AFTER, end=True)
    again = start_job(settings)
    again.settle(rows=stream.sent, watermark_ms=END)
    again.stop()
    assert csv_tree(settings) == in_peace
    assert minute_bars(spark, settings).count() == 2 * 25
    # Reread rows are told by their sequence number; none is missing.
    assert read_ticks(spark, settings.job).select("sequence_number").distinct().count() == stream.sent


def run_into_an_error(start_job: StartJob, settings: Settings) -> str:
    job = start_job(settings)
    wait_for("the error", lambda: bool(job.errors))
    job.stop()
    error = job.errors[0]
    # What Spark raises is made one line where its session is opened.
    text = str(error) if isinstance(error, PricestreamError) else reason_of(str(error))
    assert "\n" not in text
    return text


def test_damaged_files_end_the_job_in_one_line_and_there_is_a_way_back(
    in_peace: dict[str, bytes], spark: SparkSession, stream: Stream, make_settings: MakeSettings, start_job: StartJob
) -> None:
    settings = make_settings(*stream.overrides)
    send(stream, settings, BEFORE)
    job = start_job(settings)
    job.settle(rows=stream.sent, watermark_ms=NINE)
    job.stop()
    send(stream, settings, AFTER, end=True)

    # An entry of the offset log that is cut off: the way back is a new checkpoint.
    cut_off(newest(Path(settings.job.checkpoint) / "bars" / "offsets"))
    with pytest.raises(StorageError, match=r"bars/offsets/[0-9]+: is damaged; start with a new checkpoint folder"):
        open_checkpoint(settings).check_logs()
    shutil.rmtree(settings.job.checkpoint)
    again = start_job(settings)
    again.settle(rows=stream.sent + len(BEFORE), watermark_ms=END)
    again.stop()
    assert csv_tree(settings) == in_peace

    # The last entry of a table's log: the way back is to make the table anew from ticks.
    cut_off(newest(Path(settings.job.bars) / "_delta_log"))
    said = run_into_an_error(start_job, settings)
    assert "Malformed" in said or "_delta_log" in said
    shutil.rmtree(settings.job.bars)
    shutil.rmtree(settings.job.csv)
    create_tables(spark, settings.job)
    rebuild_range(spark, settings, Range.parse("2026-01-05", "2026-01-06"), [])
    # While no stream runs a backfill closes longer windows, too; those of a minute and of five had all closed.
    short = {key: data for key, data in in_peace.items() if not key.startswith("interval=15m")}
    assert len(short) == 2
    assert csv_tree(settings).items() >= short.items()


def newest(folder: Path) -> Path:
    """The file of the highest number."""
    return max(path for path in folder.iterdir() if path.stem.isdigit() and path.suffix in ("", ".json"))


def cut_off(path: Path) -> None:
    """Leave half of a file, and not the checksum that would tell."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    path.with_name(f".{path.name}.crc").unlink(missing_ok=True)


def test_a_full_disk_ends_the_job_in_one_line_and_it_goes_on_once_there_is_room(
    in_peace: dict[str, bytes], stream: Stream, make_settings: MakeSettings, start_job: StartJob
) -> None:
    settings = make_settings(*stream.overrides)
    send(stream, settings, [*BEFORE, *AFTER], end=True)
    try:
        with small_disk(Path(settings.job.checkpoint), kilobytes=40) as resize:
            assert "No space left on device" in run_into_an_error(start_job, settings)
            resize(100_000)
            again = start_job(settings)
            again.settle(rows=stream.sent, watermark_ms=END)
            again.stop()
    except CannotMountError as error:
        pytest.skip(str(error))
    assert csv_tree(settings) == in_peace


def test_kill_9_between_the_ticks_commit_and_the_offset_commit(
    in_peace: dict[str, bytes],
    spark: SparkSession,
    stream: Stream,
    make_settings: MakeSettings,
    start_job: StartJob,
    tmp_path: Path,
) -> None:
    settings = make_settings(*stream.overrides)
    send(stream, settings, BEFORE)
    log = tmp_path / "job.log"
    script = "faults/dying_job.py"
    with SubmittedJob.start(settings, stream.overrides, log, script=script, before=["after-ticks"]) as killed:
        assert killed.process.wait(120) == -signal.SIGKILL, log.read_text()
    assert read_ticks(spark, settings.job).count() == len(BEFORE)

    # More has come by the time that the first batch is read again: it is a longer batch now.
    send(stream, settings, AFTER, end=True)
    again = start_job(settings)
    again.settle(rows=stream.sent + len(BEFORE), watermark_ms=END)
    again.stop()
    assert csv_tree(settings) == in_peace
    assert read_ticks(spark, settings.job).select("sequence_number").distinct().count() == stream.sent


@pytest.mark.timeout(400)
def test_kill_9_at_a_random_moment_then_a_graceful_stop(
    in_peace: dict[str, bytes], stream: Stream, make_settings: MakeSettings, tmp_path: Path
) -> None:
    seed = random.randrange(10**6)
    # In the report of a failure, so that the moment can be had again.
    print(f"seed {seed}")  # noqa: T201
    settings = make_settings(*stream.overrides)
    log = tmp_path / "job.log"
    send(stream, settings, BEFORE)
    overrides = [*stream.overrides, f"job.report={Path(settings.job.stop_file).parent}/report.html"]
    with SubmittedJob.start(settings, overrides, log) as first:
        first.wait("the first rows", lambda: first.rows > 0)
        send(stream, settings, AFTER, end=True)
        # From the first landing to about when everything is published.
        time.sleep(random.Random(seed).uniform(0, 8))

    with SubmittedJob.start(settings, overrides, log) as second:
        second.settle(rows=stream.sent, watermark_ms=END)
        assert csv_tree(settings) == in_peace
        # SIGTERM goes to the JVM here; it must let the job finish.
        second.process.terminate()
        assert second.process.wait(120) == 128 + signal.SIGTERM
    assert status_of(settings)["state"] == "stopped"
    assert (Path(settings.job.stop_file).parent / "report.html").stat().st_size > 100_000
    assert csv_tree(settings) == in_peace
