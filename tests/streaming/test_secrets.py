"""Credentials in a running Spark: in none of its settings, plans, reports, checkpoints, files and lines."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from faults.proxy import Answer, Call, Forward, Proxy
from jobs.source import kinesis_options, kinesis_stream
from tests.conftest import ROOT, MakeSettings
from tests.support.canary import (
    ACCESS_KEY_ID,
    ENVIRONMENT,
    TOKEN,
    assert_silent,
    assert_silent_files,
    refusal,
)
from tests.support.streaming import StartJob, Stream, closing, is_settled, job_arguments, market, status_of, wait_for

NINE = 1_767_603_600_000  # 2026-01-05T09:00:00Z
END = NINE + 3 * 60_000
#: What Spark 3.5 masks where nothing else is set.
_HIDDEN = "(?i)secret|password|token|access[.]?key"
TICKS = market({"bitcoin": 60_000.0}, start_ms=NINE, minutes=3)


@pytest.fixture
def secret(spark: SparkSession) -> str:
    """The secret key that the JVM of the shared session began with, whatever tests have put in its place since."""
    java = spark.sparkContext._jvm
    assert java
    found = str(java.System.getenv("AWS_SECRET_ACCESS_KEY") or "")
    if len(found) < 16:
        pytest.skip("the secret key of this run cannot be told from other words; ./scripts/test gives one that can")
    return found


def test_spark_s_settings_hold_no_credential(spark: SparkSession, secret: str, make_settings: MakeSettings) -> None:
    context = spark.sparkContext
    of_session = [f"{row['key']}={row['value']}" for row in spark.sql("SET").collect()]
    java = context._jvm
    assert java
    properties = java.System.getProperties()
    of_java = [f"{name}={properties.get(name)}" for name in properties]
    assert_silent(*(f"{key}={value}" for key, value in context.getConf().getAll()), *of_session, *of_java, word=secret)
    # Spark itself copies the environment's into Hadoop's settings, under names that it shows nobody.
    hidden = re.compile(context.getConf().get("spark.redaction.regex", _HIDDEN) or "")
    entries = context._jsc.hadoopConfiguration().iterator()
    holding = set()
    while entries.hasNext():
        entry = entries.next()
        if secret in entry.getValue():
            holding.add(entry.getKey())
    assert "fs.s3a.secret.key" in holding
    assert [name for name in holding if not hidden.search(name)] == []
    assert_silent(*kinesis_options(make_settings())[1].values(), word=secret)


@pytest.mark.long
def test_a_running_job_shows_and_writes_no_credential(
    spark: SparkSession, secret: str, stream: Stream, make_settings: MakeSettings, start_job: StartJob, lake: Path
) -> None:
    settings = make_settings(*stream.overrides, f"job.report={lake}/report.html")
    stream.put_ticks(TICKS)
    stream.put(closing(settings, END))
    source = kinesis_stream(spark, settings)
    assert_silent(source._jdf.queryExecution().logical().toString(), word=secret)
    job = start_job(settings)
    job.settle(rows=stream.sent, watermark_ms=END)
    queries = spark.streams.active
    assert len(queries) == 2
    for query in queries:
        assert query.lastProgress
        reports = [each.json() for each in query._jsq.recentProgress()]
        assert all('"numInputRows"' in report for report in reports)
        assert_silent(*reports, str(query.status), query._jsq.explainInternal(True), word=secret)
    job.stop()
    assert (lake / "report.html").stat().st_size > 1_000_000
    assert (lake / "status.json").exists()
    assert len(list((lake / "csv").rglob("bars.csv"))) >= 1
    assert list((lake / "checkpoint" / "ingest" / "offsets").iterdir())
    # Tables, tree, report, status and checkpoints: dozens of files.
    assert assert_silent_files(lake, word=secret) > 30


def command_lines(process: int) -> Iterator[tuple[str, bytes]]:
    """The names and command lines of a process and of all that it has started."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(folder.name))
    left = [process]
    while left:
        number = left.pop()
        left += children.get(number, [])
        yield (Path(f"/proc/{number}/comm").read_text().strip(), Path(f"/proc/{number}/cmdline").read_bytes())


@pytest.mark.long
def test_a_job_with_credentials_of_its_own_says_none_to_its_end(
    stream: Stream, make_settings: MakeSettings, lake: Path, tmp_path: Path
) -> None:
    sent: list[Call] = []
    refused: list[Call] = []

    def meddle(call: Call, forward: Forward) -> Answer:
        if refused:
            return refusal("InvalidSignatureException")
        sent.append(call)
        return forward(call)

    with Proxy(stream.endpoint, meddle) as proxy, (tmp_path / "log").open("wb") as log:
        settings = make_settings(f"stream.name={stream.name}", f"stream.endpoint_url={proxy.url}")
        stream.put_ticks(TICKS)
        stream.put(closing(settings, END))
        options = job_arguments(
            settings, f"stream.name={stream.name}", f"stream.endpoint_url={proxy.url}", f"job.report={lake}/report.html"
        )
        process = subprocess.Popen(
            [sys.executable, "jobs/stream_prices.py", "--verbose", *options],
            cwd=ROOT,
            env=os.environ | ENVIRONMENT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(
                "the bars",
                lambda: process.poll() is not None or is_settled(settings, rows=stream.sent, watermark_ms=END),
            )
            assert process.poll() is None, (tmp_path / "log").read_text()
            lines = list(command_lines(process.pid))
            assert any(name == "java" for name, _ in lines)
            assert_silent(*(line for _, line in lines))
            # The rest of its life AWS takes no signature any more, and says why.
            refused.append(sent[-1])
            process.wait(180)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 1
    assert status_of(settings)["state"] == "failed"
    by_java = [call for call in sent if "aws-sdk-java" in call.headers["user-agent"]]
    assert {call.headers["x-amz-security-token"] for call in by_java} == {TOKEN}
    assert all(f"Credential={ACCESS_KEY_ID}/" in call.headers["authorization"] for call in by_java)
    said = (tmp_path / "log").read_bytes()
    assert b"InvalidSignatureException" in said
    assert_silent_files(lake)
    assert_silent(said)
