"""The whole way on real data: recorded trades through producer, Kinesis, ticks and bars into CSV."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import MakeSettings
from tests.support.streaming import StartJob, Stream


@pytest.fixture(scope="module")
def expected(real_trades: Path) -> pd.DataFrame:
    """One-minute bars as pandas makes them from the file."""
    trades = pd.read_csv(real_trades).sort_values(["timestamp_ms", "trade_id"])
    minute = pd.to_datetime(trades.timestamp_ms // 60_000 * 60_000, unit="ms", utc=True).rename("window_start")
    prices = trades.groupby(minute).price
    bars = prices.agg(["first", "max", "min", "last", "count", "mean"])
    names = ["open", "high", "low", "close", "tick_count", "mean"]
    return pd.DataFrame(bars).set_axis(names, axis=1).assign(stddev=prices.std(ddof=0))


def test_bars_are_those_that_pandas_computes_from_the_file(
    real_trades: Path,
    expected: pd.DataFrame,
    root: Path,
    stream: Stream,
    make_settings: MakeSettings,
    start_job: StartJob,
) -> None:
    overrides = [
        *stream.overrides,
        "producer.source=replay",
        f"producer.replay.path={real_trades}",
        "producer.replay.coin_id=ripple",
        "producer.vs_currencies=[eth]",
        "producer.poll_seconds=60",
    ]
    settings = make_settings(*overrides)
    job = start_job(settings)
    sets = [
        part for each in [*overrides, f"producer.state_dir={settings.producer.state_dir}"] for part in ("--set", each)
    ]
    command = [sys.executable, "-m", "producer", "--config", "conf/local.yaml", *sets]
    producer = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert producer.returncode == 0, producer.stderr[-2000:]

    summary = json.loads((Path(settings.producer.state_dir) / "summary.json").read_bytes())
    closed = summary["last_heartbeat_ms"] - settings.job.watermark_seconds * 1000
    status = job.settle(rows=summary["seq"], watermark_ms=closed)
    job.stop()

    trades = int(expected.tick_count.sum())
    assert trades == 12_477
    assert status["ticks"] == {
        "rows": summary["seq"],
        "ok": trades,
        "late": 0,
        "rejected": 0,
        "heartbeat": summary["heartbeats"],
    }
    files = sorted(Path(settings.job.csv).glob("interval=1m/**/*.csv"))
    found = pd.concat(pd.read_csv(path, parse_dates=["window_start"]) for path in files)
    found = found.set_index("window_start").sort_index()
    assert found.index.equals(expected.index)
    assert set(found.coin_id) == {"ripple"}
    for column in ("open", "high", "low", "close", "tick_count"):
        pd.testing.assert_series_equal(found[column], expected[column], check_exact=True)
    for column in ("mean", "stddev"):
        pd.testing.assert_series_equal(found[column], expected[column], rtol=1e-12, atol=1e-17)
    # Each bar is in the file of its hour.
    for path in files:
        hours = pd.read_csv(path, parse_dates=["window_start"]).window_start.dt.strftime("date=%Y-%m-%d/hour=%H")
        assert set(hours) == {f"{path.parent.parent.name}/{path.parent.name}"}
