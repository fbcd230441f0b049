"""Files of history as Spark reads them, against what pandas reads from the same files, and small ones by hand."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as f

from jobs.candles import CANDLES, candle_bars
from jobs.history_files import CandleHistory, TickHistory, open_history, read_coingecko_history
from jobs.history_time import parse_time_ms
from jobs.history_values import moment
from jobs.parse import parse
from jobs.schema import BARS, KINESIS, PARSED
from jobs.validate import validate
from pricestream.errors import SettingsError, SourceError
from pricestream.settings import Settings
from pricestream.tick import Tick

T0 = 1_600_000_200  # 2020-09-13T12:30:00Z, a whole multiple of 5 minutes


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings()


class Opener:
    """Writes files, and opens what it wrote."""

    def __init__(self, spark: SparkSession, settings: Settings, folder: Path) -> None:
        self.spark, self.settings, self.folder = spark, settings, folder

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode() if isinstance(text, str) else text
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    def open(self, path: Path | str, **options: Any) -> TickHistory | CandleHistory:
        defaults = {"coin_id": "bitcoin", "vs_currency": "usd", "candle_interval": None, "candle_stamp": "start"}
        return open_history(self.spark, self.settings, str(path), **{**defaults, **options})

    def ticks(self, path: Path | str, **options: Any) -> DataFrame:
        history = self.open(path, **options)
        assert isinstance(history, TickHistory)
        assert history.ticks.schema.simpleString() == PARSED.simpleString()
        return history.ticks

    def candles(self, path: Path | str, **options: Any) -> CandleHistory:
        history = self.open(path, **options)
        assert isinstance(history, CandleHistory)
        assert history.candles.schema.simpleString() == CANDLES.simpleString()
        return history


@pytest.fixture
def opener(spark: SparkSession, settings: Settings, tmp_path: Path) -> Opener:
    return Opener(spark, settings, tmp_path / "history")


def judged(ticks: DataFrame) -> list[Row]:
    rows = validate(ticks, allowed_lateness_seconds=300)
    millis = [f.unix_millis(name).alias(name) for name in ("event_time", "polled_at")]
    others = [name for name in rows.columns if name not in ("event_time", "polled_at")]
    return rows.select(*others, *millis).orderBy("payload").collect()


def windows(history: CandleHistory) -> list[tuple[Any, ...]]:
    rows = history.candles.withColumns({name: f.unix_seconds(name) for name in ("window_start", "window_end")})
    return sorted(tuple(row) for row in rows.collect())


def test_real_trades_are_those_that_pandas_reads(opener: Opener, real_trades: Path) -> None:
    ticks = opener.ticks(real_trades, coin_id="ripple", vs_currency="eth")
    millis = f.unix_millis("event_time").alias("timestamp_ms")
    found = ticks.select(millis, "event_seq", "price", "coin_id", "vs_currency", "source", "v", "tick_id").toPandas()
    assert len(found) == 12_477
    assert found.tick_id.nunique() == 12_477
    assert found[["coin_id", "vs_currency", "source", "v"]].drop_duplicates().to_numpy().tolist() == [
        ["ripple", "eth", "replay", 1]
    ]
    expected = pd.read_csv(real_trades, float_precision="round_trip").sort_values("trade_id").reset_index(drop=True)
    found = found.sort_values("event_seq").reset_index(drop=True)
    assert found.timestamp_ms.tolist() == expected.timestamp_ms.tolist()
    assert found.event_seq.tolist() == expected.trade_id.tolist()
    assert found.price.tolist() == expected.price.tolist()


def test_a_tick_from_a_file_is_the_tick_that_the_stream_brings(opener: Opener, spark: SparkSession) -> None:
    sent = [
        Tick("ripple", "eth", 0.00141342, 1_570_752_011_620, 1_570_752_020_000, "p", 1, "replay", event_seq=13_519_807),
        Tick("ripple", "eth", 0.00141266, 1_570_752_011_620, 1_570_752_020_000, "p", 2, "replay"),
    ]
    records = [(tick.to_json(), "s", "ripple", "1", None) for tick in sent]
    streamed = {row["tick_id"] for row in parse(spark.createDataFrame(records, KINESIS)).collect()}
    path = opener.write(
        "trades.csv",
        "timestamp,trade_id,side,price\n1570752011.620999,13519807,sell,0.00141342\n1570752011620,,sell,1.41266E-3\n",
    )
    assert {row["tick_id"] for row in opener.ticks(path, coin_id="ripple", vs_currency="eth").collect()} == streamed


def test_every_value_of_a_tick_arrives(opener: Opener) -> None:
    path = opener.write(
        "ticks.csv",
        "coin_id,vs_currency,event_time,price,market_cap,volume_24h,trade_id,note\n"
        f'bitcoin,eur,{T0}123,2.5,10,20.5,-7,"a ""b"", c"\n',
    )
    [row] = judged(opener.ticks(path))
    assert row.asDict() | {"ingested_at": None, "tick_id": None, "payload": json.loads(row["payload"])} == {
        "event_time": T0 * 1000 + 123,
        "polled_at": T0 * 1000 + 123,
        "status": "ok",
        "reason": None,
        "v": 1,
        "coin_id": "bitcoin",
        "vs_currency": "eur",
        "price": 2.5,
        "market_cap": 10.0,
        "volume_24h": 20.5,
        "change_24h_pct": None,
        "event_seq": -7,
        "producer_id": None,
        "seq": None,
        "source": "replay",
        "tick_id": None,
        "payload": {
            "coin_id": "bitcoin",
            "vs_currency": "eur",
            "event_time": f"{T0}123",
            "price": "2.5",
            "market_cap": "10",
            "volume_24h": "20.5",
            "trade_id": "-7",
            "note": 'a "b", c',
        },
        "partition_key": "bitcoin",
        "sequence_number": None,
        "arrived_at": None,
        "ingested_at": None,
        "added_by": None,
        "date": datetime.fromtimestamp(T0, UTC).date(),
    }


# What stands in a row of time,price,trade_id,coin_id, and what becomes of it.
BAD_ROWS = [
    (f"{T0},1.5,,bitcoin", None),
    (f"{T0},1e-100,9223372036854775807,bitcoin", None),
    (f"{T0},,1,bitcoin", "bad_price"),
    (f"{T0},abc,1,bitcoin", "bad_price"),
    (f"{T0},NaN,1,bitcoin", "bad_price"),
    (f"{T0},Infinity,1,bitcoin", "bad_price"),
    (f"{T0},0,1,bitcoin", "bad_price"),
    (f"{T0},-1,1,bitcoin", "bad_price"),
    (f"{T0},1e101,1,bitcoin", "bad_price"),
    (",1,1,bitcoin", "absurd_time"),
    ("yesterday,1,1,bitcoin", "absurd_time"),
    ("0,1,1,bitcoin", "absurd_time"),
    ("-1600000000,1,1,bitcoin", "absurd_time"),
    ("99999999999999999999,1,1,bitcoin", "absurd_time"),
    ("12:30:00,1,1,bitcoin", "absurd_time"),
    ("2020,1,1,bitcoin", "absurd_time"),
    (f"{T0},1,x7,bitcoin", "malformed"),
    (f"{T0},1,1.5,bitcoin", "malformed"),
    (f"{T0},1,9223372036854775808,bitcoin", "malformed"),
    # A thousands separator moves every cell behind it.
    (f"{T0},1,234.5,1,bitcoin", "malformed"),
    (f"{T0},1", "malformed"),
    ("\x00\x01x", "malformed"),
    (f"{T0},1,1,Bitcoin", "bad_coin_id"),
    (f"{T0},1,1,=cmd", "bad_coin_id"),
    (f"{T0},1,1,", "bad_coin_id"),
]


def test_a_row_that_cannot_be_read_is_a_rejected_row_and_not_gone(opener: Opener) -> None:
    lines = [line for line, _ in BAD_ROWS]
    path = opener.write("ticks.csv", "\n".join(["time,price,trade_id,coin_id", *lines, "", ""]))
    rows = judged(opener.ticks(path))
    assert len(rows) == len(BAD_ROWS)
    found = {}
    for row in rows:
        text = bytes(row["payload"]).decode()
        cells = json.loads(text) if text.startswith("{") else text
        line = (
            cells
            if isinstance(cells, str)
            else ",".join(cells.get(name, "") for name in ("time", "price", "trade_id", "coin_id"))
        )
        found[line] = row["reason"]
    assert found == dict(BAD_ROWS)


def test_json_lines_with_values_of_any_kind(opener: Opener) -> None:
    lines = [
        {"coin": "bitcoin", "timestamp": T0 * 1_000_000, "price": 7.5, "id": 5},
        {"coin": "bitcoin", "timestamp": "2020-09-13T14:30:00+02:00", "price": "7.5", "id": "6"},
        {"coin": "bitcoin", "timestamp": T0, "price": None},
        {"coin": "bitcoin", "timestamp": T0, "price": {"usd": 7}},
    ]
    text = "\n".join([*map(json.dumps, lines), "", '{"coin": "bitcoin", "pri', "[1]", '{"other": 1}'])
    path = opener.write("ticks.jsonl.gz", text)
    rows = judged(opener.ticks(path))
    found = {
        bytes(row["payload"]).decode(): (row["event_time"], row["price"], row["event_seq"], row["reason"])
        for row in rows
    }
    at = T0 * 1000
    assert found == {
        json.dumps(lines[0]): (at, 7.5, 5, None),
        json.dumps(lines[1]): (at, 7.5, 6, None),
        json.dumps(lines[2]): (at, None, None, "bad_price"),
        json.dumps(lines[3]): (at, None, None, "bad_price"),
        '{"coin": "bitcoin", "pri': (None, None, None, "malformed"),
        "[1]": (None, None, None, "malformed"),
        '{"other": 1}': (None, None, None, "malformed"),
    }


@pytest.mark.parametrize("kind", ["datetime64[us, UTC]", "datetime64[ms]", "int64", "float64", "object"])
def test_parquet_with_times_of_any_type(opener: Opener, kind: str) -> None:
    millis = [T0 * 1000 + 123, T0 * 1000 + 60_000]
    stamps = pd.to_datetime(millis, unit="ms", utc=True)
    times: Any = {
        "datetime64[us, UTC]": stamps,
        "datetime64[ms]": stamps.tz_localize(None),
        "int64": [at * 1000 for at in millis],
        "float64": [at / 1000 for at in millis],
        "object": [stamp.isoformat() for stamp in stamps],
    }[kind]
    path = opener.folder / "ticks.parquet"
    path.parent.mkdir(parents=True)
    frame = pd.DataFrame({"Event Time": times, "price": [1.5, float("nan")], "tags": [["a"], ["b"]]})
    frame.to_parquet(path, coerce_timestamps="us")
    rows = judged(opener.ticks(path))
    assert [(row["event_time"], row["status"]) for row in rows] == [
        (T0 * 1000 + 123, "ok"),
        (T0 * 1000 + 60_000, "rejected"),
    ]
    assert json.loads(rows[0]["payload"])["tags"] == ["a"]


def test_real_candles_are_those_that_pandas_reads(opener: Opener, shared_data: Path) -> None:
    path = shared_data / "market" / "candles_5m_btc_2018-01-10_to_30.csv.gz"
    history = opener.candles(path, coin_id=None, vs_currency="btc")
    assert history.interval == "5m"
    assert history.rejected == {}
    start = f.unix_seconds("window_start").alias("start")
    end = f.unix_seconds("window_end").alias("end")
    found = history.candles.select("coin_id", start, end, "open", "high", "low", "close", "vs_currency").toPandas()
    expected = pd.read_csv(path, float_precision="round_trip")
    assert len(found) == len(expected) == 34_512
    assert found.coin_id.nunique() == 6
    expected["start"] = [int(datetime.fromisoformat(text).timestamp()) for text in expected.window_start]
    columns = ["coin_id", "start", "open", "high", "low", "close"]
    found = found.sort_values(["coin_id", "start"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(
        found[columns], expected.sort_values(["coin_id", "start"]).reset_index(drop=True)[columns], check_exact=True
    )
    assert (found.end - found.start).unique().tolist() == [300]
    assert found.vs_currency.unique().tolist() == ["btc"]


def minutes(*prices: tuple[float, float, float, float], start: int = T0, step: int = 60) -> str:
    lines = [f"{start + number * step},{','.join(map(str, row))},0" for number, row in enumerate(prices)]
    return "\n".join([*lines, ""])


PLAIN = (1.0, 3.0, 0.5, 2.0)


def test_an_archive_without_header_whose_unit_changes(opener: Opener) -> None:
    text = f"{T0}000,1,3,0.5,2,9\n{T0 + 60}000000,2,2,2,2,0\n"
    history = opener.candles(opener.write("BTC-1m.csv", text))
    assert windows(history) == [
        ("bitcoin", "usd", "1m", T0, T0 + 60, 1.0, 3.0, 0.5, 2.0),
        ("bitcoin", "usd", "1m", T0 + 60, T0 + 120, 2.0, 2.0, 2.0, 2.0),
    ]
    assert history.rejected == {}


def test_headers_and_addresses_are_passed_over_in_whichever_file(opener: Opener) -> None:
    header = "unix,date,symbol,open,high,low,close,Volume BTC\n"
    address = "https://www.example.org\n"
    opener.write(
        "2020/a.csv", f"{address}{header}{T0 + 60},2020-09-13 12:31:00,BTC/USD,1,3,0.5,2,9\n{T0},x,BTC/USD,1,1,1,1,0\n"
    )
    opener.write("2020/b/c.csv", f"\ufeff{header.upper()}{T0 + 120},x,BTC/USD,5,5,5,5,9\n")
    opener.write("2020/b/d.csv", f"{T0 + 180},x,BTC/USD,6,6,6,6,9\n")
    history = opener.candles(opener.folder)
    assert [(row[3], row[8]) for row in windows(history)] == [
        (T0, 1.0),
        (T0 + 60, 2.0),
        (T0 + 120, 5.0),
        (T0 + 180, 6.0),
    ]
    assert history.rejected == {}


def test_a_candle_stamped_with_its_end(opener: Opener) -> None:
    history = opener.candles(opener.write("c.csv", minutes(PLAIN, PLAIN)), candle_stamp="end")
    assert [row[3:5] for row in windows(history)] == [(T0 - 60, T0), (T0, T0 + 60)]


def test_candles_that_make_no_sense_are_counted_by_reason(opener: Opener) -> None:
    path = opener.write(
        "candles.csv",
        "time,coin_id,open,high,low,close\n"
        f"{T0},bitcoin,1,3,0.5,2\n{T0 + 60},bitcoin,1,3,0.5,2\n"
        f"{T0 + 120},bitcoin,,,,\n{T0 + 120},bitcoin,1,inf,1,1\n{T0 + 120},bitcoin,0,3,0,2\n"
        f"{T0 + 120},bitcoin,1,1e101,1,1\n"
        f"{T0 + 120},bitcoin,1,1.5,0.5,2\n{T0 + 120},bitcoin,3,2.5,0.5,2\n"
        f"{T0 + 120},bitcoin,1,3,1.5,2\n"
        f"{T0 + 121},bitcoin,1,3,0.5,2\n{T0 + 120}.5,bitcoin,1,3,0.5,2\n"
        f"{T0 + 120},Bitcoin,1,3,0.5,2\n"
        "tomorrow,bitcoin,1,3,0.5,2\n"
        f"{T0 + 120},bitcoin,1,3,0.5\n"
        # The same twice is one; of two that differ nobody knows which is right.
        f"{T0},bitcoin,1.0,3,0.5,2\n"
        f"{T0 + 180},bitcoin,1,3,0.5,2\n{T0 + 180},bitcoin,1,3,0.5,2.5\n{T0 + 180},bitcoin,1,3,0.5,2\n",
    )
    history = opener.candles(path)
    assert [row[3] for row in windows(history)] == [T0, T0 + 60]
    assert history.rejected == {
        "bad_price": 4,
        "high_too_low": 2,
        "low_too_high": 1,
        "not_aligned": 2,
        "bad_coin_id": 1,
        "absurd_time": 1,
        "malformed": 1,
        "contradicts_another": 3,
    }


def test_rows_of_another_symbol_are_not_the_coin_that_was_named(opener: Opener) -> None:
    # The second symbol comes behind what is looked at to find out the layout.
    lines = [f"{T0 + number * 60},BTCUSDT,1,1,1,1" for number in range(2_001)]
    path = opener.write("c.csv", "\n".join(["time,symbol,open,high,low,close", *lines, f"{T0},ETHUSDT,9,9,9,9"]))
    history = opener.candles(path)
    assert history.candles.count() == 2_001
    assert history.rejected == {"bad_coin_id": 1}


def test_candles_of_two_lengths_are_not_taken_for_one(opener: Opener) -> None:
    opener.write("mixed/1m.csv", minutes(*[PLAIN] * 12))
    hours = opener.write("mixed/x/1h.csv", minutes(*[PLAIN] * 12, start=1_600_002_000, step=3600))
    with pytest.raises(
        SettingsError, match=rf"{hours}: its candles are 1h apart and not 1m; import candles of one length"
    ):
        opener.candles(opener.folder / "mixed")
    with pytest.raises(SettingsError, match="its candles are 1h apart and not 5m"):
        opener.candles(hours, candle_interval="5m")
    assert opener.candles(hours).interval == "1h"


def test_short_candles_are_not_taken_for_long_ones(opener: Opener) -> None:
    hour = 1_600_002_000
    opener.write("mixed/1h.csv", minutes(*[PLAIN] * 3, start=hour, step=3600))
    short = opener.write("mixed/x/1m.csv", minutes(*[PLAIN] * 90, start=hour))
    said = rf"{short}: its candles are 1m apart and not 1h; import candles of one length at a time, and say how long"
    refused(opener, opener.folder / "mixed", said)
    refused(opener, short, said, candle_interval="1h")
    # Only one of two coins; and half of its rows lie on the hour.
    lines = [f"{hour + number * 3600},long,1,3,0.5,2" for number in range(4)]
    lines += [f"{hour + number * 1800},short,1,3,0.5,2" for number in range(4)]
    both = opener.write("coins.csv", "\n".join(["time,coin_id,open,high,low,close", *lines]))
    refused(opener, both, "coins.csv: its candles are 30m apart and not 1h", candle_interval="1h", coin_id=None)
    # Stamps that are off are turned away one by one, as before.
    rows = "".join(f"{hour + number * 3600 + late},1,3,0.5,2,0\n" for number, late in enumerate((0, 0, 7, 0)))
    assert opener.candles(opener.write("off.csv", rows), candle_interval="1h").rejected == {"not_aligned": 1}


def test_bars_that_this_project_published_are_read_as_candles(opener: Opener) -> None:
    header = "coin_id,vs_currency,window_start,window_end,open,high,low,close,mean,is_final\n"
    for interval, step in (("1m", 60), ("5m", 300)):
        for hour in range(2):
            starts = [
                pd.Timestamp(T0 + number * step, unit="s").isoformat() + "Z" for number in range(hour * 2, hour * 2 + 2)
            ]
            rows = "".join(f"solana,eur,{start},x,1.0,3.0,0.5,2.0,1.5,true\n" for start in starts)
            opener.write(f"csv/interval={interval}/date=2020-09-13/hour={12 + hour}/bars.csv", header + rows)
    history = opener.candles(opener.folder / "csv" / "interval=5m", coin_id=None, vs_currency=None)
    assert history.interval == "5m"
    assert [row[:5] for row in windows(history)] == [
        ("solana", "eur", "5m", T0 + number * 300, T0 + number * 300 + 300) for number in range(4)
    ]
    with pytest.raises(
        SourceError, match=r"holds several intervals \(1m, 5m\); give one of them, such as .*/csv/interval=1m"
    ):
        opener.open(opener.folder / "csv")


def test_folders_can_say_which_coin(opener: Opener) -> None:
    for coin in ("bitcoin", "usd-coin"):
        opener.write(f"p/coin_id={coin}/prices.csv", f"time,price\n{T0},1\n")
    rows = judged(opener.ticks(opener.folder / "p", coin_id=None))
    assert sorted(row["coin_id"] for row in rows) == ["bitcoin", "usd-coin"]


def test_names_with_spaces_and_patterns(opener: Opener) -> None:
    opener.write("a b[1]{c}.csv", f"time,price\n{T0},1\n")
    opener.write("README.md", "hello")
    assert len(judged(opener.ticks(opener.folder / "*.csv"))) == 1


def refused(opener: Opener, path: Path | str, said: str, **options: Any) -> None:
    with pytest.raises((SourceError, SettingsError), match=said) as caught:
        opener.open(path, **options)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_what_cannot_be_opened_is_said_in_one_line(opener: Opener) -> None:
    folder = opener.folder
    refused(opener, folder / "none.csv", "none.csv: there is no such file")
    refused(opener, f"{folder}/none/*.csv", r"none/\*.csv: there is no such file")
    (folder / "empty").mkdir(parents=True)
    refused(opener, folder / "empty", "empty: holds no files")
    refused(opener, opener.write("prices.zip", "PK"), r"prices.zip: does not end in .csv, .jsonl")
    opener.write("kinds/a.csv", f"time,price\n{T0},1\n")
    opener.write("kinds/b.json", "{}")
    refused(opener, folder / "kinds", "kinds: holds files of several kinds, such as .*/a.csv and .*/b.json")
    refused(opener, opener.write("words.csv", "hello\n"), "words.csv: has the columns hello; it needs")
    refused(opener, opener.write("no.parquet", "hello"), "no.parquet: cannot be read: .*Could not read footer")
    path = opener.write("cut.csv", "x")
    damaged = path.rename(folder / "cut.csv.gz")
    damaged.write_bytes(gzip.compress(b"time,price\n")[:-12])
    refused(opener, damaged, "cut.csv.gz: cannot be read: ")
    refused(
        opener, opener.write("array.json", "[" + "1," * 500_000 + "1]"), "array.json: its first line is no JSON object"
    )
    refused(opener, opener.write("c.csv", minutes(PLAIN)), "c.csv: has too few candles to tell how long they are")


def test_files_with_columns_in_another_order_are_refused(opener: Opener) -> None:
    opener.write("o/1.csv", f"time,price,amount\n{T0},1,2\n")
    opener.write("o/2.csv", f"time,amount,price\n{T0},2,1\n")
    refused(
        opener,
        opener.folder / "o",
        "o/2.csv: has other columns than .*o/1.csv, or in another order; import it by itself",
    )


def test_fetched_history(opener: Opener, spark: SparkSession) -> None:
    def line(coin: str, at_ms: int, price: float | None) -> str:
        rest = {"price": price, "market_cap": 5e11, "volume_24h": None}
        return json.dumps({"coin_id": coin, "vs_currency": "usd", "event_time": at_ms, **rest})

    paths = [
        opener.write(
            f"{coin}/{number}.jsonl", f"{line(coin, T0 * 1000 + number, 1.25)}\n{line(coin, T0 * 1000, None)}\n"
        )
        for coin in ("bitcoin", "ethereum")
        for number in range(1, 21)
    ]
    ticks = read_coingecko_history(spark, [str(path) for path in paths])
    assert ticks.schema.simpleString() == PARSED.simpleString()
    rows = judged(ticks)
    assert len(rows) == 80
    good = [row for row in rows if row["status"] == "ok"]
    assert sorted((row["coin_id"], row["event_time"]) for row in good) == [
        (coin, T0 * 1000 + number) for coin in ("bitcoin", "ethereum") for number in range(1, 21)
    ]
    assert {(row["source"], row["price"], row["market_cap"], row["volume_24h"]) for row in good} == {
        ("backfill", 1.25, 5e11, None)
    }
    assert {row["reason"] for row in rows if row["status"] != "ok"} == {"bad_price"}
    assert json.loads(rows[0]["payload"])["coin_id"] == "bitcoin"
    with pytest.raises(SourceError, match="there is no such file"):
        read_coingecko_history(spark, [str(opener.folder / "none.jsonl")])


def test_candles_become_bars_without_what_only_ticks_can_tell(opener: Opener) -> None:
    history = opener.candles(opener.write("c.csv", minutes(PLAIN, (8.0, 8.0, 8.0, 8.0))))
    bars = candle_bars(history.candles)
    assert bars.schema.simpleString() == BARS.simpleString()
    first, second = bars.orderBy("window_start").collect()
    given_ = {name: value for name, value in first.asDict().items() if value is not None}
    assert given_ == {
        "coin_id": "bitcoin",
        "vs_currency": "usd",
        "interval": "1m",
        "window_start": first["window_start"],
        "window_end": first["window_end"],
        "open": 1.0,
        "high": 3.0,
        "low": 0.5,
        "close": 2.0,
        "return_pct": 100.0,
        "gap": False,
        "origin": "candles",
        "is_final": True,
        "revision": 0,
        "date": datetime(2020, 9, 13, tzinfo=UTC).date(),
    }
    assert second["return_pct"] == 0.0


SECONDS = st.integers(min_value=1_230_940_800, max_value=4_102_444_799)
TEXTS = st.one_of(
    SECONDS.map(str),
    st.builds(
        lambda seconds, factor: str(seconds * factor), SECONDS, st.sampled_from([1_000, 1_000_000, 1_000_000_000])
    ),
    st.builds(lambda seconds, part: f"{seconds}.{part:03d}", SECONDS, st.integers(0, 999)),
    st.builds(lambda seconds: datetime.fromtimestamp(seconds, UTC).isoformat(), SECONDS),
    st.builds(lambda seconds: datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"), SECONDS),
    st.integers(min_value=-(10**20), max_value=10**20).map(str),
    st.sampled_from(
        [
            "",
            " ",
            "now",
            "2020",
            "12:30:00",
            "2020-13-01",
            "nan",
            "-inf",
            "1e400",
            "2020-09-13T25:00:00",
            "1_600_000_000",
        ]
    ),
)


@given(st.lists(TEXTS, min_size=30, max_size=60))
@hypothesis_settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_spark_reads_a_time_as_the_sample_was_read(spark: SparkSession, texts: list[str]) -> None:
    frame = spark.createDataFrame([(text,) for text in texts], "time string")
    read = frame.select("time", f.unix_millis(moment("time", frame.schema["time"].dataType)).alias("ms")).collect()
    assert {row["time"]: row["ms"] for row in read} == {text: parse_time_ms(text) for text in texts}
