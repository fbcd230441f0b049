"""A Kinesis stand-in for the tests that go over the network."""

import itertools
from pathlib import Path

import boto3
import pytest
from mypy_boto3_kinesis.client import KinesisClient

_names = itertools.count(1)
SHARED_DATA = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "COINGECKO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "stand-in")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "stand-in")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def kinesis(moto_url: str) -> KinesisClient:
    return boto3.client("kinesis", region_name="us-east-1", endpoint_url=moto_url)


@pytest.fixture
def stream_name() -> str:
    return f"test-{next(_names)}"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the recorded data is not at {SHARED_DATA}")
    return SHARED_DATA
