"""The settings: what the stack says lies below the file, and what cannot work there is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from faults.proxy import Answer, Call
from pricestream.config import load_settings
from pricestream.errors import SettingsError
from scripts.platform.errors import PlatformError
from scripts.platform.stack import Platform
from scripts.submit_app.settings import check_buckets, job_settings, parse_checked, producer_settings
from tests.support.submit_site import Aws, platform, xml_error

PLATFORM = Platform(
    stack="prices",
    region="eu-west-1",
    bucket="the-bucket",
    stream="the-stream",
    compute="cluster",
    architecture="arm64",
    job_role="arn:aws:iam::123456789012:role/job",
    log_group="/prices/logs",
    metrics_log_group="/prices/metrics",
    commit_table="the-commits",
    producer_cluster="c",
    producer_service="s",
)


@pytest.fixture
def aws(moto_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with platform(moto_url, tmp_path, "cluster", monkeypatch) as made:
        yield made


def written(folder: Path, tree: Any) -> Path:
    file = folder / "mine.yaml"
    file.write_text(yaml.safe_dump(tree))
    return file


def test_what_the_file_leaves_out_comes_from_the_stack(tmp_path: Path) -> None:
    settings = job_settings(PLATFORM, written(tmp_path, {})).settings
    assert (settings.stream.name, settings.stream.region) == ("the-stream", "eu-west-1")
    job = settings.job
    assert job.kinesis.connector == "awslabs"
    assert job.s3.commit_table == "the-commits"
    lake = "s3://the-bucket/lake"
    assert (job.ticks, job.bars, job.csv, job.checkpoint) == tuple(
        f"{lake}/{name}" for name in ("ticks", "bars", "csv", "checkpoint")
    )
    assert (job.report, job.stop_file, job.status_file) == (
        f"{lake}/report.html",
        f"{lake}/STOP",
        f"{lake}/status.json",
    )
    assert job.backfill.history == f"{lake}/history"


def test_what_the_file_gives_stays_and_the_command_line_has_the_last_word(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        {
            "stream": {"name": "mine"},
            "job": {"csv": "s3://other/csv", "trigger_seconds": 20, "report": None, "s3": {"lease_seconds": 60}},
        },
    )
    settings = job_settings(PLATFORM, file, ["job.trigger_seconds=30", "job.kinesis.max_fetch_seconds_per_shard=20"])
    job = settings.settings.job
    assert settings.settings.stream.name == "mine"
    assert (job.csv, job.trigger_seconds, job.report) == ("s3://other/csv", 30, None)
    assert (job.s3.lease_seconds, job.s3.commit_table) == (60, "the-commits")
    assert (job.kinesis.max_fetch_seconds_per_shard, job.kinesis.connector) == (20, "awslabs")
    assert job.ticks == "s3://the-bucket/lake/ticks"


def test_metrics_go_where_the_stack_looks_for_them(root: Path) -> None:
    """The job puts them into the group; what the producer writes to its output, its task's log driver takes up."""
    file = root / "conf" / "emr.yaml"
    job, producer = job_settings(PLATFORM, file).settings.metrics, producer_settings(PLATFORM, file).settings.metrics
    assert (job.emf, job.log_group, job.every_seconds) == ("logs", "/prices/metrics", 60)
    assert (producer.emf, producer.every_seconds) == ("stdout", 60)
    assert job_settings(PLATFORM, file, ["metrics.emf=null"]).settings.metrics.emf is None


def test_an_empty_section_is_one_that_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("stream:\njob:\n  kinesis:\n")
    assert job_settings(PLATFORM, file).settings.stream.name == "the-stream"


def test_what_is_uploaded_says_the_same_to_the_job(tmp_path: Path) -> None:
    checked = job_settings(PLATFORM, written(tmp_path, {"job": {"trigger_seconds": 20}}))
    copy = tmp_path / "copy.yaml"
    copy.write_bytes(checked.text)
    assert load_settings(copy) == checked.settings
    assert parse_checked(checked.text, "s3://b/x").settings == checked.settings


def test_the_same_settings_have_the_same_name_and_others_another(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("job: {trigger_seconds: 20, csv_gaps: true}")
    two.write_text("# other words\njob:\n  csv_gaps: true\n  trigger_seconds: 20\n")
    names = [job_settings(PLATFORM, file).digest for file in (one, two)]
    assert names[0] == names[1]
    assert job_settings(PLATFORM, one, ["job.csv_gaps=false"]).digest != names[0]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("job.kinesis.connector=qubole", "job.kinesis.connector: EMR has no qubole"),
        ("job.spark.master=local[2]", "job.spark.master: EMR says where Spark runs"),
        ("stream.endpoint_url=http://127.0.0.1:5555", "stream.endpoint_url is for a stand-in"),
        ("job.s3.endpoint_url=http://127.0.0.1:5555", "job.s3.endpoint_url is for a stand-in"),
        ("stream.region=us-east-1", "stream.region is us-east-1, and the stack prices is in eu-west-1"),
        ("job.ticks=.local/lake/ticks", "job.ticks is .local/lake/ticks, which goes with the machine"),
        ("job.bars=/mnt/bars", "job.bars is /mnt/bars, which"),
        ("job.csv=file:/csv", "job.csv is file:/csv, which"),
        ("job.checkpoint=hdfs://n/c", "job.checkpoint is hdfs://n/c, which"),
        ("job.stop_file=s3:/STOP", "job.stop_file is s3:/STOP, which"),
        ("job.status_file=s3:///status", "job.status_file is s3:///status, which"),
        ("job.report=report.html", "job.report is report.html, which"),
        ("job.backfill.history=.local/history", "job.backfill.history is .local/history, which"),
        ("job.base_interval=7m", "job.base_interval"),
        ("job.allowed_lateness_seconds=10", "allowed_lateness_seconds is 10"),
        ("job.tikcs=x", "job.tikcs: unknown key; did you mean ticks?"),
        ("producer.api_key=CG-made-up", "producer.api_key: unknown key"),
    ],
)
def test_what_cannot_work_there_is_refused(tmp_path: Path, override: str, said: str) -> None:
    for read in (job_settings, producer_settings):
        with pytest.raises(SettingsError) as error:
            read(PLATFORM, written(tmp_path, {}), [override])
        assert said in str(error.value)
        assert "CG-made-up" not in str(error.value)


def test_the_file_of_this_project_works_there(root: Path) -> None:
    checked = job_settings(PLATFORM, root / "conf" / "emr.yaml")
    assert checked.settings.job.base_interval == "15m"
    assert "my-" not in checked.text.decode()


def test_settings_that_were_uploaded_and_damaged_are_one_line() -> None:
    for text in (b"\xff\xfe", b"[1]", b"a: [", b"7"):
        with pytest.raises(SettingsError, match=r"s3://b/x: is no settings file"):
            parse_checked(text, "s3://b/x")


def test_a_bucket_of_another_account_is_refused(aws: Aws) -> None:
    """S3 says 403 where the owner is not the expected one."""
    expected: list[str] = []

    def refuse(call: Call) -> Answer | None:
        expected.append(call.headers["x-amz-expected-bucket-owner"])
        return xml_error("AccessDenied") if call.path.startswith("/anothers") else None

    aws.instead["HEAD /"] = refuse
    site = aws.site()
    checked = job_settings(site.platform, aws.config)
    check_buckets(checked, site.platform, site.bucket)
    theirs = job_settings(site.platform, aws.config, ["job.csv=s3://anothers/csv"])
    with pytest.raises(PlatformError, match="the bucket anothers belongs to another account than 123456789012"):
        check_buckets(theirs, site.platform, site.bucket)
    assert set(expected) == {"123456789012"}


def test_a_bucket_that_is_not_there_is_refused(aws: Aws) -> None:
    site = aws.site()
    checked = job_settings(site.platform, aws.config, [f"job.csv=s3://{aws.stack}-nowhere/csv"])
    with pytest.raises(PlatformError, match=f"there is no bucket {aws.stack}-nowhere"):
        check_buckets(checked, site.platform, site.bucket)
