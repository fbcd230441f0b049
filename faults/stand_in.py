"""The stand-in for AWS that drills use: a process of its own on loopback, and clients for it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config

from faults.checkout import ROOT
from scripts.demo_app.child import Children
from scripts.demo_app.environment import STAND_IN_KEY, child_environment
from scripts.demo_app.stand_in import StandIn

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient
    from mypy_boto3_s3.client import S3Client

REGION: Final = "us-east-1"


def local_environment() -> dict[str, str]:
    """The environment of a drill's processes without Spark: no account of a person's own is in it."""
    return child_environment(os.environ, Path(sys.prefix), Path(sys.executable))


@contextmanager
def run_stand_in(place: Path) -> Iterator[str]:
    """Start the stand-in, give its address, and stop it; its log goes below ``place``.

    Raises:
        DemoError: it does not answer.
    """
    with Children(local_environment(), ROOT) as children:
        stand_in = StandIn(children, place / "stand-in.log")
        stand_in.wait_until_ready()
        yield stand_in.endpoint_url


def kinesis_client(url: str) -> "KinesisClient":
    """Make a client as the producer's own: without retries of its own, through no proxy but ours."""
    return boto3.client(
        "kinesis",
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id=STAND_IN_KEY,
        aws_secret_access_key=STAND_IN_KEY,
        config=Config(
            connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1, "mode": "standard"}, proxies={}
        ),
    )


def s3_client(url: str) -> "S3Client":
    """Make a client for S3, with boto3's own retries."""
    return boto3.client(
        "s3",
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id=STAND_IN_KEY,
        aws_secret_access_key=STAND_IN_KEY,
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )


def create_stream(client: "KinesisClient", name: str, shards: int = 1) -> None:
    """Make a stream, and wait until it is there."""
    client.create_stream(StreamName=name, ShardCount=shards)
    client.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
