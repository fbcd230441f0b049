"""The command line and the process as a whole, over the network."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mypy_boto3_kinesis.client import KinesisClient
from typer.testing import CliRunner, Result

from pricestream.errors import StorageError
from producer.cli import app
from producer.state import open_state

ROOT = Path(__file__).parents[3]
T0 = 1_700_000_040_000


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def config(tmp_path: Path, moto_url: str, stream_name: str) -> Path:
    recording = tmp_path / "recording.csv"
    rows = [f"{T0 + 1_000 * index},{1 + index / 8},{index}" for index in range(1_200)]
    recording.write_text("timestamp_ms,price,trade_id\n" + "\n".join(rows) + "\n")
    tree = {
        "stream": {"name": stream_name, "endpoint_url": moto_url},
        "producer": {
            "id": "p",
            "source": "replay",
            "poll_seconds": 10,
            "state_dir": str(tmp_path / "state"),
            "create_stream": True,
            "replay": {"path": str(recording)},
        },
    }
    path = tmp_path / "conf.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


def invoke(config: Path, *overrides: str) -> Result:
    arguments = ["--config", str(config), *(part for each in overrides for part in ("--set", each))]
    return CliRunner().invoke(app, arguments)


def read_all(client: KinesisClient, name: str) -> list[dict[str, Any]]:
    [shard] = client.list_shards(StreamName=name)["Shards"]
    iterator = client.get_shard_iterator(StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    found, position = [], iterator["ShardIterator"]
    while batch := (answer := client.get_records(ShardIterator=position, Limit=10_000))["Records"]:
        found += [json.loads(each["Data"]) for each in batch]
        position = answer["NextShardIterator"]
    return found


def test_a_replay_runs_to_its_end(config: Path, kinesis: KinesisClient, stream_name: str, tmp_path: Path) -> None:
    assert invoke(config).exit_code == 0
    found = read_all(kinesis, stream_name)
    prices = [each for each in found if each["price"] is not None]
    assert [each["seq"] for each in found] == list(range(1, len(found) + 1))
    assert [each["event_seq"] for each in prices] == list(range(1_200))
    assert json.loads((tmp_path / "state" / "summary.json").read_text())["seq"] == len(found)


@pytest.mark.parametrize(
    ("override", "code", "words"),
    [
        ("producer.pol_seconds=3", 2, "did you mean poll_seconds"),
        ("nonsense", 2, "write it as section.key=value"),
        ("producer.replay.path=/nowhere.csv", 3, "/nowhere.csv"),
        ("producer.create_stream=false", 4, "does not exist"),
        ("producer.state_dir=/dev/null/x", 5, "cannot be used"),
    ],
)
def test_a_user_s_mistake_is_one_line_and_an_exit_code(config: Path, override: str, code: int, words: str) -> None:
    result = invoke(config, override)
    assert result.exit_code == code
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert words in lines[0]
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("override", "environment", "words"),
    [
        ("stream.endpoint_url=127.0.0.1:5555", {}, "stream.endpoint_url 127.0.0.1:5555 is no address"),
        ("stream.endpoint_url=localhost:5555", {}, "such as http://127.0.0.1:4566"),
        ("stream.region=us east", {}, "us east"),
        ("stream.shards=1", {"AWS_PROFILE": "typo"}, "The config profile (typo) could not be found"),
        ("stream.shards=1", {"AWS_SECRET_ACCESS_KEY": ""}, "AWS_SECRET_ACCESS_KEY"),
        (
            "stream.shards=1",
            {"AWS_ACCESS_KEY_ID": "", "AWS_PROFILE": "helper"},
            "cannot be fetched from custom-process",
        ),
    ],
)
def test_a_client_that_cannot_be_made_is_one_line(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    override: str,
    environment: dict[str, str],
    words: str,
) -> None:
    aws = tmp_path / "aws"
    aws.write_text("[profile helper]\ncredential_process = sh -c 'echo secret words >&2; exit 1'\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(aws))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    result = invoke(config, override)
    assert result.exit_code == 4, result.output
    [line] = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert words in line
    assert "secret words" not in result.output
    assert "Traceback" not in result.output


def test_help_tells_of_the_options_and_the_exit_codes() -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
    assert result.exit_code == 0
    assert "--config" in result.output
    assert "--set" in result.output
    assert "Exit codes" in result.output


def test_a_folder_is_for_one_process_one_producer_and_one_stream(tmp_path: Path) -> None:
    with (
        open_state(tmp_path, producer_id="a", stream="s"),
        pytest.raises(StorageError, match=f"another producer \\(process {os.getpid()}\\)"),
        open_state(tmp_path, producer_id="a", stream="s"),
    ):
        pass
    for producer_id, stream in (("b", "s"), ("a", "t")):
        with (
            pytest.raises(StorageError, match="belongs to producer a on stream s"),
            open_state(tmp_path, producer_id=producer_id, stream=stream),
        ):
            pass
    with open_state(tmp_path, producer_id="a", stream="s") as folder:
        (folder / "owner.json").write_text("{")
    with (
        pytest.raises(StorageError, match=r"owner\.json: is damaged; remove it if the folder is that of producer a"),
        open_state(tmp_path, producer_id="a", stream="s"),
    ):
        pass


class Process:
    """The producer in a process of its own."""

    def __init__(self, config: Path, *overrides: str) -> None:
        sets = [part for each in overrides for part in ("--set", each)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "producer", "--config", str(config), *sets],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_sending(self, state: Path) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            acked = state / "spool" / "acked"
            if acked.exists() and acked.read_text().strip():
                return
            time.sleep(0.01)
        raise AssertionError(f"nothing was sent: {self.end()}")

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> tuple[int, str]:
        _, log = self._process.communicate(timeout=60)
        return self._process.returncode, log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_flushes_and_exits_0(
    config: Path, kinesis: KinesisClient, stream_name: str, tmp_path: Path, number: int
) -> None:
    process = Process(config, "producer.replay.speed=100")
    process.wait_until_sending(tmp_path / "state")
    process.signal(number)
    code, log = process.end()
    assert code == 0, log
    assert log.splitlines()[-1].endswith("0 left in the spool, last seq " + str(len(read_all(kinesis, stream_name))))
    summary = json.loads((tmp_path / "state" / "summary.json").read_text())
    assert summary["finished"] is True
    assert summary["ticks"] < 1_200


def test_a_kill_at_any_moment_loses_and_repeats_no_number(
    config: Path, kinesis: KinesisClient, stream_name: str, tmp_path: Path
) -> None:
    delay = random.uniform(0, 1.5)
    process = Process(config, "producer.replay.speed=600")
    process.wait_until_sending(tmp_path / "state")
    time.sleep(delay)
    process.signal(signal.SIGKILL)
    code, log = process.end()
    assert code == -signal.SIGKILL, log
    code, log = Process(config).end()
    assert code == 0, log
    by_seq: dict[int, dict[str, Any]] = {}
    for record in read_all(kinesis, stream_name):
        # Sent twice is the same record twice.
        assert by_seq.setdefault(record["seq"], record) == record, f"killed after {delay} s"
    assert sorted(by_seq) == list(range(1, len(by_seq) + 1)), f"killed after {delay} s"
    summary = json.loads((tmp_path / "state" / "summary.json").read_text())
    assert summary["seq"] == len(by_seq)
    assert summary["first_seq"] > 1
    assert {record["event_seq"] for record in by_seq.values() if record["price"]} == set(range(1_200))
