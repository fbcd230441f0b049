"""Made-up credentials come out nowhere: in no line, file, argument or error.

Each test also sees to it that they got where they belong. What Spark shows of them is in
``tests/streaming/test_secrets.py``.
"""

import base64
import io
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL, SIGTERM

import boto3
import pytest
import yaml
from rich.console import Console

import jobs.storage
from coingecko.clock import RealClock
from faults.proxy import Answer, Call, Forward, Proxy
from jobs.history_coingecko import fetch_history
from jobs.source import find_stream
from jobs.storage import open_store
from pricestream.errors import SourceError, StorageError, StreamError
from producer.cli import kinesis_client
from producer.market import Market
from producer.server import Fault, MarketServer
from producer.sink import KinesisSink
from scripts.demo_app.port import free_port
from tests.conftest import ROOT, MakeSettings
from tests.support.canary import (
    ACCESS_KEY_ID,
    API_KEY,
    CANARY,
    SECRET,
    TOKEN,
    assert_silent,
    assert_silent_error,
    assert_silent_files,
    put_in_environment,
    refusal,
)

DAY = 86_400
#: A moment at which CoinGecko's history is cut, far enough back that all before it is complete.
CUT = (int(time.time()) - 3 * 3_600) // (90 * DAY) * (90 * DAY)
JOBS = ("stream_prices", "backfill_prices", "audit_prices", "maintain_tables")


@pytest.fixture(autouse=True)
def _canaries(monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_environment(monkeypatch)
    # boto3's own session keeps the credentials that it found first.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    jobs.storage._s3_client.cache_clear()


@pytest.fixture
def prices() -> Iterator[MarketServer]:
    with MarketServer(Market(7, (CUT - 90 * DAY) * 1000, 60), RealClock()) as running:
        yield running


@pytest.fixture
def closed_url() -> str:
    """An address at which nothing listens."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.mark.parametrize("secret", [SECRET, TOKEN, API_KEY, ACCESS_KEY_ID, f"Basic {CANARY}"])
def test_the_canary_is_found_where_it_is(secret: str, tmp_path: Path) -> None:
    for text in (secret, base64.b64encode(f"user:{secret}".encode()).decode()):
        with pytest.raises(AssertionError):
            assert_silent(f"some {text} words")
        (tmp_path / "file").write_text(text)
        with pytest.raises(AssertionError):
            assert_silent_files(tmp_path)


class Producer:
    """The producer in a process of its own, with the canaries in its environment."""

    def __init__(self, folder: Path, kinesis_url: str, prices_url: str, *overrides: str) -> None:
        self.state = folder / "state"
        config = folder / "settings.yaml"
        coingecko = {"plan": "demo", "base_url": prices_url, "calls_per_minute": 1_000, "max_attempts": 2}
        producer = {"poll_seconds": 0.5, "state_dir": str(self.state), "create_stream": True, "coingecko": coingecko}
        stream = {"name": folder.name, "endpoint_url": kinesis_url}
        config.write_text(yaml.safe_dump({"stream": stream, "producer": producer}))
        sets = [part for each in overrides for part in ("--set", each)]
        command = [sys.executable, "-m", "producer", "--verbose", "--config", str(config), *sets]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="surrogateescape"
        )

    def end(self, until: str = "", signal: int = SIGTERM) -> tuple[int, str]:
        """Wait for a line with ``until``, or for the process's own end; then end it, and look at all it left."""
        log = ""
        assert self.process.stdout
        for line in self.process.stdout:
            log += line
            if until and until in line:
                assert_silent(*(Path(f"/proc/{self.process.pid}/{name}").read_bytes() for name in ("cmdline", "comm")))
                self.process.send_signal(signal)
                until = ""
        code = self.process.wait(60)
        assert_silent(log)
        assert_silent_files(self.state)
        return code, log


def test_a_producer_that_works_is_silent(moto_url: str, prices: MarketServer, tmp_path: Path) -> None:
    sent: list[Call] = []

    def listen(call: Call, forward: Forward) -> Answer:
        sent.append(call)
        return forward(call)

    # The key is said back, at a place where a message of such length is cut off.
    prices.faults.append(Fault(500, body=f'{{"error": "{"long " * 36}{API_KEY}"}}'.encode()))
    with Proxy(moto_url, listen) as proxy:
        code, log = Producer(tmp_path, proxy.url, prices.url).end(until="poll 2 ")
    assert code == 0, log
    assert "CoinGecko answered 500: long long" in log
    assert prices.requests[0]["x-cg-demo-api-key"] == API_KEY
    records = [call for call in sent if call.operation == "PutRecords"]
    assert records
    for call in records:
        assert call.headers["x-amz-security-token"] == TOKEN
        assert f"Credential={ACCESS_KEY_ID}/" in call.headers["authorization"]
        assert_silent(call.body)
    assert any((tmp_path / "state" / "spool").iterdir())


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, f'{{"status": {{"error_code": 10002, "error_message": "{API_KEY} is wrong"}}}}', 3),
        (401, f"<html>{API_KEY}</html>", 3),
        (400, f'{{"error": "what is {API_KEY}?"}}', 3),
    ],
)
def test_a_refused_key_is_not_said(
    status: int, body: str, code: int, moto_url: str, prices: MarketServer, tmp_path: Path
) -> None:
    prices.faults.append(Fault(status, body=body.encode()))
    assert Producer(tmp_path, moto_url, prices.url).end()[0] == code
    assert prices.requests[0]["x-cg-demo-api-key"] == API_KEY


@pytest.mark.parametrize("code", ["InvalidSignatureException", "IncompleteSignatureException", "AccessDeniedException"])
def test_denied_by_aws_the_producer_says_no_credential(code: str, prices: MarketServer, tmp_path: Path) -> None:
    with Proxy("http://127.0.0.1:1", lambda *_: refusal(code)) as proxy:
        exit_code, log = Producer(tmp_path, proxy.url, prices.url).end()
    assert (exit_code, code in log) == (4, True)


def test_out_of_reach_the_producer_says_no_credential(closed_url: str, tmp_path: Path) -> None:
    code, log = Producer(tmp_path, closed_url, f"{closed_url}/api").end("poll 1 ", SIGKILL)
    assert code == -SIGKILL, log
    assert "Kinesis cannot be reached" in log
    assert "CoinGecko cannot be reached" in log


@pytest.mark.parametrize("name", JOBS)
def test_a_job_that_ends_before_spark_is_silent(name: str) -> None:
    days = ["--from", "2026-01-05", "--to", "2026-01-06"] if name == "backfill_prices" else []
    wrong = ["--verbose", "--config", "conf/local.yaml", "--set", "job.triger_seconds=1", *days]
    code, said = run(f"jobs/{name}.py", *wrong)
    assert code == 2, said
    assert_silent(said)


@pytest.mark.parametrize("command", [["-m", "producer"], ["jobs/backfill_prices.py"]])
def test_help_is_silent(command: list[str]) -> None:
    code, said = run(*command, "--help")
    assert code == 0, said
    assert b"--config" in said
    assert_silent(said)


def run(*command: str) -> tuple[int, bytes]:
    """Give the exit code, and all that was said."""
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("code", ["InvalidSignatureException", "IncompleteSignatureException", "SignatureDoesNotMatch"])
def test_a_job_does_not_repeat_what_aws_says_of_a_signature(code: str, make_settings: MakeSettings) -> None:
    calls: list[Call] = []

    def refuse(call: Call, _: Forward) -> Answer:
        calls.append(call)
        xml = f"<Error><Code>{code}</Code><Message>{TOKEN}</Message></Error>"
        return refusal(code) if call.method == "POST" else Answer(403, xml.encode())

    with Proxy("http://127.0.0.1:1", refuse) as proxy:
        settings = make_settings(f"stream.endpoint_url={proxy.url}", f"job.s3.endpoint_url={proxy.url}")
        with pytest.raises(StreamError, match=code) as stream:
            find_stream(settings.stream)
        with pytest.raises(StorageError, match=code) as storage:
            open_store("s3://bucket/lake", settings.job.s3, "us-east-1").read("status.json")
        sink = KinesisSink(kinesis_client(settings.stream), settings.stream, RealClock(), random.Random(7))
        with pytest.raises(StreamError, match=code) as sent:
            sink.prepare(create=True)
    for caught in (stream, storage, sent):
        assert_silent_error(caught.value)
    assert {call.headers["x-amz-security-token"] for call in calls} == {TOKEN}


def test_a_credential_helper_s_words_are_not_repeated(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = tmp_path / "aws"
    aws.write_text(f"[profile helper]\ncredential_process = sh -c 'echo {SECRET} >&2; exit 1'\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(aws))
    monkeypatch.setenv("AWS_PROFILE", "helper")
    with pytest.raises(StreamError, match="cannot be fetched from custom-process") as caught:
        find_stream(make_settings().stream)
    assert_silent_error(caught.value)


def test_a_token_that_cannot_be_sent_is_not_shown(
    make_settings: MakeSettings, moto_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", f"{TOKEN}\n and more")
    with pytest.raises(StreamError) as caught:
        find_stream(make_settings(f"stream.endpoint_url={moto_url}").stream)
    assert_silent_error(caught.value)


def test_fetched_history_holds_no_key(prices: MarketServer, make_settings: MakeSettings, lake: Path) -> None:
    folders = [f"job.backfill.history={lake}/history", f"job.backfill.state_dir={lake}/state"]
    settings = make_settings(
        *folders,
        "producer.coingecko.plan=demo",
        f"producer.coingecko.base_url={prices.url}",
        "job.backfill.calls_per_minute=1000",
    )
    said = io.StringIO()

    def fetch() -> list[str]:
        console = Console(file=said)
        return fetch_history(settings, start_s=CUT - DAY, end_s=CUT, coins=["bitcoin"], dry_run=False, console=console)

    prices.faults.append(Fault(401, body=f'{{"error": "{API_KEY}"}}'.encode()))
    with pytest.raises(SourceError) as caught:
        fetch()
    assert_silent_error(caught.value)
    assert len(fetch()) == 1
    assert {each["x-cg-demo-api-key"] for each in prices.requests} == {API_KEY}
    assert_silent(said.getvalue())
    # The chunk, the count of calls and the lock.
    assert assert_silent_files(lake) == 3
