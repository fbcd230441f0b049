"""The backfill as a whole process: history from CoinGecko and from files, what it says, and what it leaves behind."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
import requests
from pyspark.sql import SparkSession

from coingecko.clock import RealClock
from jobs.backfill import Order, land_history, rebuild_range
from jobs.days import Range
from pricestream.settings import Settings
from producer.market import Market
from producer.server import Fault, MarketServer
from tests.conftest import ROOT, MakeSettings
from tests.support.streaming import csv_tree, job_arguments, wait_for

#: Processes of their own, one after the other: two minutes and more.
pytestmark = pytest.mark.long

HOUR, DAY = 3_600, 86_400
CELL = 90 * DAY
#: Where history is cut into chunks, far enough back that the day behind it is over and complete.
CUT = (int(time.time()) - DAY - 3 * HOUR) // CELL * CELL
BEGIN, END = CUT - DAY, CUT + DAY
SECONDS = {"1m": 60, "5m": 300, "1h": HOUR, "1d": DAY}
KEY = ["coin_id", "window_start"]
OHLC = ["open", "high", "low", "close"]
OF_TICKS = [*OHLC, "tick_count", "origin"]


def date(moment_s: int) -> str:
    return datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%d")


def command(settings: Settings, *options: str, overrides: list[str]) -> list[str]:
    return [sys.executable, "jobs/backfill_prices.py", *job_arguments(settings, *overrides), *options]


def run(settings: Settings, *options: str, overrides: list[str]) -> tuple[int, list[str]]:
    """Give the exit code, and the lines that a person sees."""
    what = command(settings, *options, overrides=overrides)
    done = subprocess.run(what, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.returncode, done.stderr.strip().splitlines()


def read_tree(settings: Settings, interval: str) -> pd.DataFrame:
    files = sorted(Path(settings.job.csv).glob(f"interval={interval}/**/*.csv"))
    # pandas' quick way of reading numbers is off in the last digit.
    read = [pd.read_csv(path, parse_dates=["window_start"], float_precision="round_trip") for path in files]
    return pd.concat(read).set_index(KEY).sort_index()


def in_windows(frame: pd.DataFrame, interval: str, **columns: str) -> pd.DataFrame:
    """Gather what lies in a window: which column becomes which statistic, by which function."""
    windows = frame.assign(window_start=frame["at"].dt.floor(f"{SECONDS[interval]}s")).sort_values(["coin_id", "at"])
    named = {name: tuple(value.split()) for name, value in columns.items()}
    return windows.groupby(KEY).agg(**named)


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    # Whether an instant is kept in nanoseconds or in seconds is of no interest.
    pd.testing.assert_frame_equal(found[expected.columns], expected, check_exact=True, check_index_type=False)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MarketServer]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    with MarketServer(Market(7, BEGIN * 1000, HOUR), RealClock()) as running:
        yield running


def asked(paths: list[str]) -> list[tuple[str, int]]:
    """Name the chunks that were asked for: whose, and from when on."""
    return [(urlsplit(path).path.split("/")[-3], int(parse_qs(urlsplit(path).query)["from"][0])) for path in paths]


def served_points(server: MarketServer, *coins: str) -> pd.DataFrame:
    """Ask the server as anybody would."""
    frames = []
    for coin in coins:
        query = {"vs_currency": "usd", "from": str(BEGIN), "to": str(END)}
        answer = requests.get(f"{server.url}/coins/{coin}/market_chart/range", query, timeout=10).json()
        frames.append(pd.DataFrame(answer["prices"], columns=["ms", "price"]).assign(coin_id=coin))
    points = pd.concat(frames)
    points = points[points.ms < END * 1000]
    return points.assign(at=pd.to_datetime(points.ms, unit="ms", utc=True))


def test_coingecko_s_history_is_fetched_once_and_becomes_the_bars_that_pandas_makes(
    server: MarketServer, make_settings: MakeSettings, lake: Path
) -> None:
    overrides = [
        f"producer.coingecko.base_url={server.url}",
        "producer.coingecko.timeout_seconds=1",
        f"job.backfill.history={lake}/history",
        f"job.backfill.state_dir={lake}/state",
        "job.backfill.calls_per_minute=1000",
        "job.intervals=[1h,1d]",
    ]
    settings = make_settings()
    options = ["--source", "coingecko", "--from", date(BEGIN), "--to", date(END), "--coins", "bitcoin"]
    options += ["--coins", "aave"]

    code, lines = run(settings, *options, "--dry-run", overrides=overrides)
    assert (code, lines) == (
        0,
        [
            f"CoinGecko's history of 2 coins in usd, from {date(BEGIN)}T00:00:00Z to {date(END)}T00:00:00Z",
            "  calls   4, one per coin, currency and 90 days; 0 more chunks are kept already",
            "  time    seconds, at 1000 calls a minute",
            "  budget  2,000 of 2,000 calls are left this month",
        ],
    )
    assert not lake.exists()
    assert not server.paths

    # Two chunks come in, each at the second try; the third hangs until the process has given it up.
    refused = Fault(429, {"Retry-After": "1"}, b'{"status":{"error_code":429,"error_message":"slow down"}}')
    server.faults += [refused, Fault(), Fault(drop=True), Fault(), Fault(delay_seconds=60)]
    process = subprocess.Popen(
        command(settings, *options, overrides=overrides), cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    wait_for("the third chunk", lambda: process.poll() is not None or len(server.paths) == 5)
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 1, log
    assert log.splitlines()[-1].startswith("error: ")
    assert log.splitlines()[-1].endswith("2 of 4 chunks are fetched, and the same command fetches the rest")
    assert "CoinGecko answered 429: slow down; trying again" in log
    assert "CoinGecko cannot be reached (ConnectionError); trying again" in log
    # Nothing lands before all is there.
    assert not (lake / "ticks").exists()
    first_run = asked(list(server.paths))
    assert first_run == [("bitcoin", BEGIN)] * 2 + [("aave", BEGIN)] * 2 + [("bitcoin", CUT)]

    code, lines = run(settings, *options, overrides=overrides)
    assert code == 0, lines
    assert asked(list(server.paths)[5:]) == [("bitcoin", CUT), ("aave", CUT)]
    assert any(line.endswith("ticks added: 96 ok; 0 were there already") for line in lines)
    assert json.loads((lake / "state" / "budget.json").read_text())["month_calls"] == 7

    points = served_points(server, "bitcoin", "aave")
    assert len(points) == 2 * 48
    for interval in ("1m", "1h", "1d"):
        bars = read_tree(settings, interval)
        counts = {name: f"price {how}" for name, how in zip(OHLC, ("first", "max", "min", "last"), strict=True)}
        same(bars, in_windows(points, interval, **counts, tick_count="price count"))
        assert set(bars.origin) == {"history"}


@pytest.fixture(scope="module")
def candle_file(shared_data: Path) -> Path:
    """Five minutes each, in bitcoin, with the exchange's own gaps."""
    return shared_data / "market" / "candles_5m_btc_2018-01-10_to_30.csv.gz"


CANDLE_OVERRIDES = ["job.base_interval=5m", "job.intervals=[1h]", "job.indicators.lookback_bars=32"]
CANDLE_COINS = ("ethereum", "cardano")
CANDLE_DAYS = Range.parse("2018-01-28", "2018-01-30")


def test_candles_become_bars_that_say_so_and_ticks_win_over_them(
    spark: SparkSession,
    make_settings: MakeSettings,
    candle_file: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = make_settings(*CANDLE_OVERRIDES)
    options = ["--source", "files", "--path", str(candle_file), "--vs-currency", "btc"]
    options += ["--from", str(CANDLE_DAYS.first), "--to", str(CANDLE_DAYS.end)]
    options += [part for coin in CANDLE_COINS for part in ("--coins", coin)]
    code, lines = run(settings, *options, overrides=CANDLE_OVERRIDES)
    assert code == 0, lines

    candles = pd.read_csv(candle_file, parse_dates=["window_start"], float_precision="round_trip")
    candles = candles.rename(columns={"window_start": "at"})
    in_days = (candles["at"] >= str(CANDLE_DAYS.first)) & (candles["at"] < str(CANDLE_DAYS.end))
    candles = candles[in_days & candles.coin_id.isin(CANDLE_COINS)]
    assert any(line.endswith(f" {len(candles):,} candles taken in") for line in lines)
    how = {"open": "open first", "high": "high max", "low": "low min", "close": "close last"}
    before = {}
    for interval in ("5m", "1h"):
        bars = before[interval] = read_tree(settings, interval)
        same(bars, in_windows(candles, interval, **how))
        assert set(bars.origin) == {"candles" if interval == "5m" else "rolled_candles"}
        assert bars[["mean", "twap", "stddev", "tick_count", "first_tick_at"]].isna().all(axis=None)

    # From here on in this process, which spares the start of Spark.
    def take_in(order: Order) -> None:
        land_history(spark, settings, order, [])
        rebuild_range(spark, settings, order.days, order.coins)

    file = tmp_path / "ticks.csv"
    file.write_text(
        "time,coin_id,vs_currency,price\n"
        "2018-01-29T10:05:00Z,ethereum,btc,0.2\n"
        "2018-01-29T10:07:00Z,ethereum,btc,0.3\n"
        "2018-01-29T10:09:59.999Z,ethereum,btc,0.25\n"
    )
    take_in(Order(Range.parse("2018-01-29", "2018-01-30"), source="files", path=str(file)))
    for interval in ("5m", "1h"):
        bars = read_tree(settings, interval)
        at = ("ethereum", pd.Timestamp("2018-01-29T10:05:00Z").floor(f"{SECONDS[interval]}s"))
        # What is known of a longer window by ticks is known better than what candles say of the rest of it.
        same(bars.loc[[at]], pd.DataFrame([[0.2, 0.3, 0.2, 0.25, 3.0, "ticks"]], bars.loc[[at]].index, OF_TICKS))
        assert bars.index.equals(before[interval].index)
        # Other windows have what their candles say, and only those that look back at this one see the change.
        others = before[interval].drop(index=[at])
        same(bars.drop(index=[at]), others[[*OHLC, "return_pct", "origin", "is_final"]])
        apart = [(coin, (start - at[1]).total_seconds()) for coin, start in others.index]
        is_blind = [coin != "ethereum" or not 0 < seconds < 32 * SECONDS[interval] for coin, seconds in apart]
        # As text, because a column that was empty before has another type now.
        same(bars.loc[others.index[is_blind]].astype(str), others[is_blind].astype(str))
    following = ("ethereum", pd.Timestamp("2018-01-29T10:10:00Z"))
    returns = read_tree(settings, "5m").log_return
    assert returns[following] != before["5m"].log_return[following]

    # The candles once more change nothing: not where there are ticks now, and nowhere else.
    tree = csv_tree(settings)
    caplog.set_level("INFO")
    take_in(Order(CANDLE_DAYS, CANDLE_COINS, source="files", path=str(candle_file), vs_currency="btc"))
    assert csv_tree(settings) == tree
    said = [record.getMessage() for record in caplog.records if "candles" in record.getMessage()]
    assert said == [
        f"{len(candles) - 1:,} candles taken in",
        "1 candles left out: their windows have ticks, which are finer",
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--from", "2026-02-01", "--to", "2026-01-01"], "--to 2026-01-01: must lie after --from 2026-02-01; "),
        (["--source", "kraken"], "--source kraken: is none of ticks, coingecko, files"),
        (["--source", "files"], "--source files needs --path, and no other source takes one"),
        (["--dry-run"], "--dry-run says what --source coingecko would take; "),
    ],
)
def test_what_does_not_fit_together_is_one_line_at_once(
    make_settings: MakeSettings, lake: Path, options: list[str], says: str
) -> None:
    days = ["--from", "2026-01-01", "--to", "2026-02-01"]
    code, [line] = run(make_settings(), *days, *options, overrides=[])
    assert (code, line[: len(says) + 7]) == (2, f"error: {says}")
    assert not lake.exists()


def test_files_that_cannot_be_taken_in_are_one_line(make_settings: MakeSettings, tmp_path: Path) -> None:
    settings, days = make_settings(), ["--from", "2018-01-28", "--to", "2018-01-30", "--source", "files"]
    code, lines = run(settings, *days, "--path", f"{tmp_path}/none.csv", overrides=[])
    assert (code, lines) == (3, [f"error: {tmp_path}/none.csv: there is no such file"])

    rows = [f"2018-01-28T0{hour}:{minute},1,2,1,2,9\n" for hour in range(3) for minute in ("00", "20", "40")]
    (tmp_path / "candles.csv").write_text("time,open,high,low,close,volume\n" + "".join(rows))
    whose = ["--path", f"{tmp_path}/candles.csv", "--coin-id", "bitcoin", "--vs-currency", "usd"]
    code, lines = run(settings, *days, *whose, overrides=["job.intervals=[5m,1h]"])
    says = "its candles are 20m long, but the job has 1m, 5m, 1h; set job.intervals to [5m, 1h, 20m]"
    assert (code, lines) == (2, [f"error: {tmp_path}/candles.csv: {says}"])
