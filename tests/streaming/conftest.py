"""The real queries against a real stand-in for Kinesis and S3, over the network."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from tests.support.streaming import StartJob, Stream, running_jobs, wait_for
from tests.support.target import skip_without_connector

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_s3 import S3Client
    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def endpoint(root: Path, stand_in_url: str) -> Iterator[str]:
    skip_without_connector()
    port = stand_in_url.rpartition(":")[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.stand_in", "--port", port], cwd=root, stderr=subprocess.DEVNULL
    )
    quick = Config(connect_timeout=1, retries={"max_attempts": 0})
    probe = boto3.client("kinesis", region_name="us-east-1", endpoint_url=stand_in_url, config=quick)

    def answers() -> bool:
        assert process.poll() is None, "the stand-in died"
        try:
            probe.list_streams()
        except Exception:  # noqa: BLE001 - not yet
            return False
        return True

    wait_for("the stand-in", answers, 60)
    yield stand_in_url
    process.terminate()
    process.wait(10)


@pytest.fixture
def kinesis(endpoint: str) -> "KinesisClient":
    return boto3.client("kinesis", region_name="us-east-1", endpoint_url=endpoint)


@pytest.fixture
def s3(endpoint: str) -> "S3Client":
    style = Config(s3={"addressing_style": "path"})
    return boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint, config=style)


@pytest.fixture
def stream(kinesis: "KinesisClient", endpoint: str) -> Stream:
    made = Stream(kinesis, endpoint)
    made.create()
    return made


@pytest.fixture
def start_job(spark: "SparkSession") -> Iterator[StartJob]:
    with running_jobs(spark) as start:
        yield start
