"""History for a backfill, from the settings to the files, against a server on loopback."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from coingecko.clock import RealClock
from coingecko.history import IncompleteError
from jobs.history_coingecko import fetch_history
from pricestream.errors import SettingsError, SourceError, StorageError
from pricestream.lock import hold_folder
from pricestream.settings import Settings
from producer.market import Market
from producer.server import Fault, MarketServer

ROOT = Path(__file__).parents[3]
HOUR, DAY = 3_600, 86_400
CELL = 90 * DAY
#: The last cut that lies hours back, and two chunks before it.
END = (int(time.time()) - 3 * HOUR) // CELL * CELL
BEGIN = END - 2 * CELL
SECRET = "CG-very-secret"

Fetch = Callable[..., list[str]]


@pytest.fixture
def server() -> Iterator[MarketServer]:
    with MarketServer(Market(7, BEGIN * 1000, DAY), RealClock()) as running:
        yield running


@pytest.fixture
def settings(server: MarketServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("MY_KEY", SECRET)
    return Settings.model_validate(
        {
            "producer": {
                "vs_currencies": ["usd"],
                "coingecko": {"plan": "demo", "api_key_env": "MY_KEY", "base_url": server.url, "timeout_seconds": 5},
            },
            "job": {
                "backfill": {
                    "history": str(tmp_path / "history"),
                    "state_dir": str(tmp_path / "state"),
                    "calls_per_minute": 1_000,
                    "calls_per_month": 2_000,
                }
            },
        }
    )


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def fetch(settings: Settings, said: io.StringIO) -> Fetch:
    def run(
        *coins: str, start_s: int = BEGIN, end_s: int = END, dry_run: bool = False, **backfill: object
    ) -> list[str]:
        changed = settings.job.backfill.model_copy(update=backfill)
        job = settings.job.model_copy(update={"backfill": changed})
        return fetch_history(
            settings.model_copy(update={"job": job}),
            start_s=start_s,
            end_s=end_s,
            coins=coins or ("bitcoin", "aave"),
            dry_run=dry_run,
            console=Console(file=said, width=60),
        )

    return run


def iso(moment_s: int) -> str:
    return datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_it_gives_the_range_s_files_and_asks_once(fetch: Fetch, server: MarketServer, tmp_path: Path) -> None:
    paths = fetch()
    stamps = [iso(moment_s)[:13] for moment_s in (BEGIN, BEGIN + CELL, END)]
    assert paths == [
        f"{tmp_path}/history/coin_id={coin_id}/vs_currency=usd/{stamps[part]}_{stamps[part + 1]}.jsonl"
        for part in (0, 1)
        for coin_id in ("bitcoin", "aave")
    ]
    lines = [json.loads(line) for path in paths for line in Path(path).read_text().splitlines()]
    assert len(lines) == 2 * 180 * 24
    assert {tuple(line) for line in lines} == {
        ("coin_id", "vs_currency", "event_time", "price", "market_cap", "volume_24h")
    }
    assert sorted(line["event_time"] for line in lines if line["coin_id"] == "aave") == [
        moment_s * 1000 for moment_s in range(BEGIN, END, HOUR)
    ]
    assert fetch() == paths
    assert len(server.paths) == 4
    assert json.loads((tmp_path / "state" / "budget.json").read_text())["month_calls"] == 4


def test_the_estimate_comes_first_and_a_dry_run_asks_nothing(
    fetch: Fetch, server: MarketServer, said: io.StringIO, tmp_path: Path
) -> None:
    fetch("aave")
    said.truncate(said.seek(0))
    assert fetch("bitcoin", "aave", "dai", dry_run=True, calls_per_minute=2, calls_per_month=5) == []
    assert said.getvalue().splitlines() == [
        f"CoinGecko's history of 3 coins in usd, from {iso(BEGIN)} to {iso(END)}",
        "  calls   4, one per coin, currency and 90 days; 2 more chunks are kept already",
        "  time    1 min or more, at 2 calls a minute",
        "  budget  3 of 5 calls are left this month; the same command fetches the rest next month",
    ]
    assert len(server.paths) == 2
    said.truncate(said.seek(0))
    for calls_per_minute in (1, 8):
        fetch("bitcoin", "dai", "tron", "solana", dry_run=True, calls_per_minute=calls_per_minute, calls_per_month=None)
    lines = said.getvalue().splitlines()
    assert [line for line in lines if "time" in line] == [
        "  time    7 min or more, at 1 calls a minute",
        "  time    seconds, at 8 calls a minute",
    ]
    assert not [line for line in lines if "budget" in line]
    assert not (tmp_path / "history" / "coin_id=bitcoin").exists()


def test_a_dry_run_needs_no_key_and_leaves_nothing_behind(
    fetch: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MY_KEY")
    assert fetch(dry_run=True) == []
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SettingsError, match="MY_KEY"):
        fetch()


def test_an_unknown_coin_is_passed_over_unless_it_is_the_only_one(
    fetch: Fetch, caplog: pytest.LogCaptureFixture
) -> None:
    paths = fetch("unheard-of", "aave")
    assert [path.split("/")[-3] for path in paths] == ["coin_id=aave"] * 2
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "CoinGecko does not know the coin unheard-of; the others go on"
    ]
    with pytest.raises(SourceError, match="knows none of the coins unheard-of, nor-this; see --coins") as caught:
        fetch("unheard-of", "nor-this")
    assert caught.value.exit_code == 3


def test_what_the_answers_lack_is_said(fetch: Fetch, server: MarketServer, caplog: pytest.LogCaptureFixture) -> None:
    server.faults += [Fault(body=b'{"prices":[]}'), Fault(body=b'{"prices":[[1,null],[2,0],[3,-1]]}')]
    paths = fetch()
    assert [Path(path).stat().st_size > 0 for path in paths] == [False, False, True, True]
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "3 points of CoinGecko's have no usable price; they are left out",
        "CoinGecko has no prices for 2 of 4 chunks",
    ]


@pytest.mark.parametrize("coins", [("../bitcoin",), ("Bitcoin",), ("=1+1",), ("a/b", "aave"), ("",)])
def test_what_is_no_id_is_not_asked_for(fetch: Fetch, server: MarketServer, coins: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match=r"--coins: .* is no CoinGecko id"):
        fetch(*coins)
    assert len(server.paths) == 0


def test_a_year_and_a_day_back_is_too_far_but_what_is_kept_is_there(fetch: Fetch, settings: Settings) -> None:
    long_ago = int(time.time()) - 400 * DAY
    for dry_run in (True, False):
        with pytest.raises(SettingsError, match="demo plan reaches back 365 days: the earliest --from is 20"):
            fetch("aave", start_s=long_ago, dry_run=dry_run)
    history = Path(settings.job.backfill.history)
    span = [
        datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%dT%H%M%S") for moment_s in (long_ago + 1, long_ago + 2)
    ]
    kept = history / "coin_id=aave" / "vs_currency=usd" / f"{span[0]}_{span[1]}.jsonl"
    kept.parent.mkdir(parents=True)
    kept.touch()
    assert fetch("aave", start_s=long_ago + 1, end_s=long_ago + 2) == [str(kept)]


def test_a_used_up_month_says_when_it_goes_on_and_keeps_what_it_has(fetch: Fetch, tmp_path: Path) -> None:
    with pytest.raises(IncompleteError) as caught:
        fetch(calls_per_month=3)
    now = datetime.now(UTC)
    opens = f"{now.year + now.month // 12}-{now.month % 12 + 1:02d}-01T00:00:00Z"
    assert str(caught.value) == (
        f"the month's 3 API calls are used up; it goes on at {opens}; 3 of 4 chunks are fetched, "
        "and the same command fetches the rest"
    )
    assert len(list((tmp_path / "history").rglob("*.jsonl"))) == 3


def test_two_backfills_do_not_count_past_each_other(fetch: Fetch, server: MarketServer, tmp_path: Path) -> None:
    with hold_folder(tmp_path / "state", setting="s", holder="backfill", advice="wait"):
        with pytest.raises(StorageError, match=rf"another backfill \(process {os.getpid()}\) is using it"):
            fetch()
        assert fetch(dry_run=True) == []
    assert len(server.paths) == 0


@pytest.mark.parametrize("terminal", [True, False])
def test_the_bar_is_for_terminals_and_a_log_has_lines(
    settings: Settings, terminal: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=80)
    fetch_history(settings, start_s=BEGIN, end_s=END, coins=["aave"], dry_run=False, console=console)
    assert ("2/2" in out.getvalue()) is terminal
    lines = [record.getMessage() for record in caplog.records if record.name == "jobs.history_progress"]
    assert lines == ([] if terminal else ["history: 2 of 2 chunks, 4320 points"])


def test_the_key_is_nowhere(
    fetch: Fetch, server: MarketServer, said: io.StringIO, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    server.faults += [Fault(), Fault(429, body=f'{{"error":"slow down {SECRET}"}}'.encode())]
    server.faults.append(Fault(401, body=f'{{"status":{{"error_code":10002,"error_message":"{SECRET}"}}}}'.encode()))
    with pytest.raises(SourceError) as caught:
        fetch()
    assert server.requests[0]["x-cg-demo-api-key"] == SECRET
    files = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 3
    assert SECRET not in "".join([*files, str(caught.value), said.getvalue(), caplog.text])


def test_signals_are_as_before_afterwards(fetch: Fetch) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    fetch("aave")
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


PROGRAM = """
import sys
from rich.console import Console
from jobs.history_coingecko import fetch_history
from pricestream.cli import exit_code_of, start_logging
from pricestream.settings import Settings

start_logging()
settings = Settings.model_validate_json(sys.argv[1])
start_s, end_s = map(int, sys.argv[2:4])

def work():
    print(len(fetch_history(
        settings, start_s=start_s, end_s=end_s, coins=sys.argv[4:], dry_run=False, console=Console()
    )))

sys.exit(exit_code_of(work))
"""


def start(settings: Settings, *coins: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PROGRAM, settings.model_dump_json(), str(BEGIN), str(END), *coins]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 1), (signal.SIGINT, 1), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_signal_loses_at_most_the_chunk_in_flight(
    settings: Settings, server: MarketServer, tmp_path: Path, number: int, code: int
) -> None:
    coins = ("bitcoin", "aave", "dai")
    # The third answer hangs until the process is gone, or has given it up.
    server.faults += [Fault(), Fault(), Fault(delay_seconds=30)]
    process = start(settings, *coins)
    deadline = time.monotonic() + 60
    while len(server.paths) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    out, log = process.communicate(timeout=60)
    assert process.returncode == code, log
    assert "Traceback" not in log
    if number != signal.SIGKILL:
        assert log.splitlines()[-1].startswith("error: ")
        assert "2 of 6 chunks are fetched, and the same command fetches the rest" in log
    assert len(list((tmp_path / "history").rglob("*.jsonl"))) == 2
    again = start(settings, *coins)
    out, log = again.communicate(timeout=60)
    assert again.returncode == 0, log
    assert out.splitlines()[-1] == "6"
    # Two that were kept, one that was lost in flight, and the four others.
    assert len(server.paths) == 2 + 1 + 4
    assert SECRET not in out + log
