"""The first lines of files as exchanges, data sites and this project write them."""

import gzip
import itertools
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.candle_length import candle_interval, interval_name
from jobs.history_ids import IdRule, id_rule
from jobs.history_layout import Layout, csv_layout, json_layout, named_layout
from jobs.history_time import parse_time_ms
from pricestream.errors import SettingsError, SourceError
from pricestream.job_settings import JobSettings

CANDLES = {"time": 0, "open": 1, "high": 2, "low": 3, "close": 4}

# Each: the lines, what they are, where the values are, the length of candles, the first time (epoch ms).
LAYOUTS: dict[str, tuple[str, str, dict[str, int], str | None, int]] = {
    "Binance, milliseconds": (
        (
            "1502942400000,4261.48,4313.62,4261.32,4308.83,47.181009,1502945999999,202366.138393,171,35.16,150952.47,7887.6\n"
            "1502946000000,4308.83,4328.69,4291.37,4315.32,23.234916,1502949599999,100304.823567,102,21.44,92608.27,8039.2\n"
        ),
        "candles",
        CANDLES,
        "1h",
        1_502_942_400_000,
    ),
    "Binance, microseconds": (
        (
            "1735689600000000,93576.00,93610.93,93537.50,93610.93,8.21827,1735689659999999,768978.5,2631,3.95,369757.2,0\n"
            "1735689660000000,93610.93,93652.00,93606.20,93652.00,11.5302,1735689719999999,1079548.7,2332,7.8,730543.1,0\n"
        ),
        "candles",
        CANDLES,
        "1m",
        1_735_689_600_000,
    ),
    "Binance, the unit changes within the file": (
        (
            "1735689300000,93500.0,93610.93,93500.0,93576.00,8.2,1735689599999,768978.5,2631,3.95,369757.2,0\n"
            "1735689600000000,93576.00,93610.93,93537.50,93610.93,8.2,1735689899999999,768978.5,2631,3.95,369757.2,0\n"
        ),
        "candles",
        CANDLES,
        "5m",
        1_735_689_300_000,
    ),
    "Binance futures, header": (
        (
            "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n"
            "1672531200000,16537.6,16540.9,16504.0,16527.0,5381.399,1672532099999,88912532.1,26075,2474.6,40885543.2,0\n"
            "1672532100000,16527.1,16554.3,16524.1,16550.4,3210.826,1672532999999,53104811.0,16330,1770.2,29281202.5,0\n"
        ),
        "candles",
        CANDLES,
        "15m",
        1_672_531_200_000,
    ),
    "Kraken OHLCVT": (
        (
            "1381095240,122.0,122.0,122.0,122.0,0.1,1\n1381179030,123.61,123.61,123.61,123.61,0.1,1\n"
            "1381179090,123.61,123.61,123.61,123.61,0.1,1\n1381179150,123.91,124.1,123.9,124.0,1.0,2\n"
        ),
        "candles",
        CANDLES,
        "1m",
        1_381_095_240_000,
    ),
    "CryptoDataDownload": (
        (
            "https://www.CryptoDataDownload.com\n"
            "unix,date,symbol,open,high,low,close,Volume BTC,Volume USD\n"
            "1646092800,2022-03-01 00:00:00,BTC/USD,43221.71,43626.49,43185.48,43312.27,52.05,2254676.1\n"
            "1646089200,2022-02-28 23:00:00,BTC/USD,43085.30,43364.81,42892.37,43178.98,106.9,4618309.7\n"
        ),
        "candles",
        {"time": 0, "symbol": 2, "open": 3, "high": 4, "low": 5, "close": 6},
        "1h",
        1_646_092_800_000,
    ),
    "CryptoDataDownload, older": (
        (
            "Timestamps are UTC timezone,https://www.CryptoDataDownload.com\n"
            "Unix Timestamp,Date,Symbol,Open,High,Low,Close,Volume\n"
            "1.5869952E+12,2020-04-16 00:00:00,BTCUSD,6640,6640,6603.84,6611.9,12.5\n"
            "1586991600000,2020-04-15 23:00:00,BTCUSD,6647.64,6663.04,6626.92,6640,16.9\n"
        ),
        "candles",
        {"time": 0, "symbol": 2, "open": 3, "high": 4, "low": 5, "close": 6},
        "1h",
        1_586_995_200_000,
    ),
    "Bitstamp": (
        "timestamp,open,high,low,close,volume\n1325412060.0,4.58,4.58,4.58,4.58,0.0\n1325412120.0,4.58,4.58,4.58,4.58,0.0\n",
        "candles",
        CANDLES,
        "1m",
        1_325_412_060_000,
    ),
    "Coinbase, with a header": (
        (
            "time,low,high,open,close,volume\n"
            "1514764800,12540.0,13999.99,13999.5,13200.0,12000.1\n1514851200,12820.0,15384.0,13200.01,14990.0,20000.2\n"
        ),
        "candles",
        {"time": 0, "low": 1, "high": 2, "open": 3, "close": 4},
        "1d",
        1_514_764_800_000,
    ),
    "a stock site's, days": (
        (
            "Date,Open,High,Low,Close,Adj Close,Volume\n"
            "2014-09-17,465.86,468.17,452.42,457.33,457.33,21056800\n2014-09-18,456.86,456.86,413.10,424.44,424.44,34483200\n"
        ),
        "candles",
        CANDLES,
        "1d",
        1_410_912_000_000,
    ),
    "semicolons, and a BOM": (
        "\ufeffDatetime;Open;High;Low;Close\n2021-01-01T00:00:00+01:00;1;2;1;2\n2021-01-01T00:15:00+01:00;2;2;1;1\n",
        "candles",
        CANDLES,
        "15m",
        1_609_455_600_000,
    ),
    "this project's bars": (
        (
            "coin_id,vs_currency,window_start,window_end,open,high,low,close,mean,twap,stddev,tick_count,first_tick_at,"
            "last_tick_at,return_pct,log_return,is_final\n"
            "bitcoin,usd,2026-01-05T09:58:00Z,2026-01-05T09:59:00Z,100.0,100.0,100.0,100.0,100.0,100.0,0.0,1,"
            "2026-01-05T09:58:10.000Z,2026-01-05T09:58:10.000Z,0.0,,true\n"
            "ethereum,usd,2026-01-05T09:58:00Z,2026-01-05T09:59:00Z,1.0,1.0,1.0,1.0,1.0,1.0,0.0,1,"
            "2026-01-05T09:58:10.000Z,2026-01-05T09:58:10.000Z,0.0,,true\n"
            "bitcoin,usd,2026-01-05T09:59:00Z,2026-01-05T10:00:00Z,100.0,100.0,100.0,100.0,100.0,100.0,0.0,1,"
            "2026-01-05T09:59:10.000Z,2026-01-05T09:59:10.000Z,0.0,0.0,true\n"
        ),
        "candles",
        {"time": 2, "open": 4, "high": 5, "low": 6, "close": 7, "coin_id": 0, "vs_currency": 1},
        "1m",
        1_767_607_080_000,
    ),
    "this project's replay": (
        "timestamp_ms,trade_id,side,price,amount\n1570752011620,13519807,sell,0.00141342,23.0\n",
        "ticks",
        {"time": 0, "price": 3, "event_seq": 1},
        None,
        1_570_752_011_620,
    ),
    "CoinGecko's export": (
        "snapped_at,price,market_cap,total_volume\n2013-04-28 00:00:00 UTC,135.3,1500517590,0\n",
        "ticks",
        {"time": 0, "price": 1, "market_cap": 2, "volume_24h": 3},
        None,
        1_367_107_200_000,
    ),
    "Binance trades, with a header": (
        "id,price,qty,quote_qty,time,is_buyer_maker\n3282110000,26000.1,0.01,260.0,1690000000123,true\n",
        "ticks",
        {"time": 4, "price": 1, "event_seq": 0},
        None,
        1_690_000_000_123,
    ),
    "nanoseconds": ("ts,price\n1600000000123456789,1\n", "ticks", {"time": 0, "price": 1}, None, 1_600_000_000_123),
    "an id that is a coin's is no trade's": (
        "id,time,price\nbitcoin,1600000000,1\n",
        "ticks",
        {"time": 1, "price": 2},
        None,
        1_600_000_000_000,
    ),
    "the better of two times": (
        "date,timestamp,event_time,price\n2020-09-13,1600000001,1600000002000,1\n",
        "ticks",
        {"time": 2, "price": 3},
        None,
        1_600_000_002_000,
    ),
    "nothing but a header": ("time,price\n", "ticks", {"time": 0, "price": 1}, None, 0),
}


def layout_of(text: str) -> Layout:
    return csv_layout("prices.csv", text.splitlines())


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_as_they_are_found(name: str) -> None:
    text, kind, places, interval, first = LAYOUTS[name]
    layout = layout_of(text)
    assert (layout.kind, layout.places) == (kind, places)
    if first:
        assert parse_time_ms(layout.sample[0]["time"] or "") == first
    if interval is not None:
        assert candle_interval("prices.csv", layout, JobSettings(), None) == interval


REFUSED = {
    "Coinbase, without a header": (
        "1514764800,12540.0,13999.99,13999.5,13200.0,12000.1\n1514851200,12820.0,15384.0,13200.01,14990.0,20000.2\n",
        "has no header, and its columns are not in the order timestamp, open, high, low, close, volume",
    ),
    "Bitfinex, without a header": (
        "1514764800000,13975.0,13450.0,14150.0,13250.0,4000.1\n",
        "has no header, and its columns are not in the order",
    ),
    "trades without a header": ("1616662591,51985.4,0.0123\n", "has no header"),
    "candles without a volume or a header": ("1616662591,1,1,1,1\n", "has no header"),
    "a later line in another order": (
        "1381095240,1,2,1,2,0.1,1\n1381095300,5,1,2,1,0.1,1\n",
        "has no header, and its columns are not in the order",
    ),
    "prices of zero": ("1381095240,0,0,0,0,0,0\n", "has no header"),
    "no price": (
        "time,amount\n1600000000,1\n",
        "has the columns time, amount; it needs a time and price .ticks., or a time, open, high, low and close",
    ),
    "no time": ("price,amount\n1,1\n", "has the columns price, amount; it needs a time"),
    "three prices of four": ("time,open,high,low\n1600000000,1,1,1\n", "has the columns time, open, high, low"),
    "a time of day": (
        "time,price\n12:00:01,1\n12:00:02,1\n",
        "the times in time, such as 12:00:01, are none since 2009",
    ),
    "a year": ("date,price\n2020,1\n", "the times in date, such as 2020, are none"),
    "days first": ("date,price\n31/12/2020,1\n", "the times in date, such as 31/12/2020, are none"),
    "trades that are numbered by texts": (
        "time,price,trade_id\n1600000000,1,\n1600000000,1,TKH2SE\n",
        "the trade_id TKH2SE is no whole number; number the trades, or leave the column out",
    ),
    "nothing": ("\n\n", "is empty"),
    "an address and nothing": ("https://example.org\n", "is empty"),
    "words": ("hello\n", "has the columns hello; it needs"),
    "a page": ("<html>\n<body>no such file</body>\n", "has the columns <html>; it needs"),
    "what is no text": ("PAR1\x15\x04\x15\x00\x12\n", "it needs"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_told_is_refused_in_one_line(name: str) -> None:
    text, said = REFUSED[name]
    with pytest.raises(SourceError, match=said) as caught:
        layout_of(text)
    assert str(caught.value).startswith("prices.csv: ")
    assert "\n" not in str(caught.value)


def test_the_recorded_files_are_understood(shared_data: Path) -> None:
    market = shared_data / "market"
    with gzip.open(market / "candles_5m_btc_2018-01-10_to_30.csv.gz", "rt") as file:
        candles = csv_layout("candles", list(itertools.islice(file, 2_000)))
    assert candles.kind == "candles"
    assert candle_interval("candles", candles, JobSettings(), None) == "5m"
    with gzip.open(market / "xrp_eth_trades_2019-10-11_to_13.csv.gz", "rt") as file:
        assert csv_layout("trades", list(itertools.islice(file, 100))).kind == "ticks"


def test_json_lines() -> None:
    lines = [
        '{"coin_id": "bitcoin", "price": 7.10, "id": 3, "other": {"a": 1}}',
        "",
        '{"timestamp": 1600000000, "price": null}',
        '{"broken',
    ]
    layout = json_layout("prices.jsonl", lines)
    assert layout.kind == "ticks"
    assert layout.names == ("coin_id", "price", "id", "other", "timestamp")
    assert layout.places == {"time": 4, "price": 1, "coin_id": 0, "event_seq": 2}
    # As it is written: a price is not rounded on the way.
    assert layout.sample[0]["price"] == "7.10"


@pytest.mark.parametrize("lines", [["[1, 2]"], ["no json"], ['"text"'], ["[" * 100_000]])
def test_what_is_no_json_object_is_refused(lines: list[str]) -> None:
    with pytest.raises(SourceError, match=r"prices\.json: its first line is no JSON object; write one object a line"):
        json_layout("prices.json", lines)


def test_an_empty_json_file_is_refused() -> None:
    with pytest.raises(SourceError, match="is empty"):
        json_layout("prices.json", ["", " "])


SECONDS = st.integers(min_value=1_230_940_800, max_value=4_102_444_799)


@given(SECONDS, st.sampled_from([1, 1_000, 1_000_000, 1_000_000_000]))
def test_a_moment_is_the_same_in_every_unit(seconds: int, factor: int) -> None:
    assert parse_time_ms(str(seconds * factor)) == seconds * 1_000


@given(SECONDS)
def test_a_moment_is_the_same_as_iso(seconds: int) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    for text in (
        moment.isoformat(),
        moment.replace(tzinfo=None).isoformat(" "),
        moment.strftime("%Y-%m-%d %H:%M:%S UTC"),
    ):
        assert parse_time_ms(text) == seconds * 1_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1616662591.7465", 1_616_662_591_746),
        ("1.6E9", 1_600_000_000_000),
        (" 1600000000 ", 1_600_000_000_000),
        # The first moment there is, and the one before it; the last, and the one behind it.
        ("1230940800", 1_230_940_800_000),
        ("1230940799", None),
        ("4102444799", 4_102_444_799_000),
        ("4102444800", None),
        ("-1600000000", None),
        ("9" * 30, None),
        ("nan", None),
        ("inf", None),
        ("", None),
        ("now", None),
        ("20200913", None),
        ("1_600_000_000", None),
        ("2020-13-01", None),
        ("2020-09-13 25:00:00", None),
    ],
)
def test_times_at_the_edge(text: str, expected: int | None) -> None:
    assert parse_time_ms(text) == expected


def candles_at(*times: int, symbol: str | None = None) -> Layout:
    rows = [{"time": str(time), "open": "1", "high": "1", "low": "1", "close": "1", "symbol": symbol} for time in times]
    return named_layout("c", ["time", "open", "high", "low", "close", "symbol"], rows)


def test_gaps_and_disorder_do_not_change_the_length() -> None:
    layout = candles_at(1_600_000_800, 1_600_000_200, 1_600_000_500, 1_600_086_900, 1_600_087_200, 1_600_000_200)
    assert candle_interval("c", layout, JobSettings(), None) == "5m"


def test_each_coin_has_distances_of_its_own() -> None:
    rows = [
        {"time": str(1_600_000_200 + minute * 300 + offset), "symbol": symbol}
        for minute in range(3)
        for symbol, offset in (("a", 0), ("b", 60), ("c", 120))
    ]
    layout = named_layout("c", ["time", "symbol", "open", "high", "low", "close"], rows)
    assert candle_interval("c", layout, JobSettings(), None) == "5m"


def test_one_candle_does_not_tell_its_length() -> None:
    with pytest.raises(SettingsError, match=r"c: has too few candles .*--candle-interval"):
        candle_interval("c", candles_at(1_600_000_200), JobSettings(), None)
    assert candle_interval("c", candles_at(1_600_000_200), JobSettings(), "4h") == "4h"


@pytest.mark.parametrize(
    ("given_name", "said"),
    [
        ("30m", r"its candles are 30m long.*set job.intervals to \[5m, 15m, 1h, 4h, 1d, 30m\]"),
        ("90s", "its candles are 90s long.*must be multiples of 1m that divide a day"),
        ("7d", "its candles are 7d long.*must be multiples of 1m that divide a day"),
        ("1s", "its candles are 1s long.*must be multiples of 1m"),
        ("1w", "'1w' is not an interval"),
    ],
)
def test_a_length_that_is_no_interval_of_the_job(given_name: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        candle_interval("c", candles_at(1_600_000_200), JobSettings(), given_name)


def test_a_length_goes_by_the_name_that_the_job_has_for_it() -> None:
    job = JobSettings(base_interval="60s", intervals=["60m"])
    assert candle_interval("c", candles_at(1_600_000_200), job, "1m") == "60s"
    assert candle_interval("c", candles_at(1_600_000_200), job, "1h") == "60m"


@pytest.mark.parametrize(("seconds", "name"), [(1, "1s"), (90, "90s"), (3_600, "1h"), (5_400, "90m"), (172_800, "2d")])
def test_lengths_have_short_names(seconds: int, name: str) -> None:
    assert interval_name(seconds) == name


def test_a_column_of_ids_comes_first() -> None:
    layout = layout_of("coin_id,time,price\nbitcoin,1600000000,1\n")
    assert id_rule("p", layout, "coin_id", "ethereum") == IdRule(column="coin_id")


def test_a_folder_says_whose_prices_they_are() -> None:
    layout = layout_of("time,price\n1600000000,1\n")
    assert id_rule("s3://b/coin_id=usd-coin/x.csv", layout, "coin_id", None) == IdRule(is_in_path=True)


def test_what_was_given_stands_in_for_a_column() -> None:
    layout = layout_of("time,price\n1600000000,1\n")
    assert id_rule("p", layout, "vs_currency", "eur") == IdRule(value="eur")
    with pytest.raises(SourceError, match="p: has no column vs_currency; give it with --vs-currency"):
        id_rule("p", layout, "vs_currency", None)
    with pytest.raises(SourceError, match="p: has no column coin_id; give it with --coin-id"):
        id_rule("p", layout, "coin_id", None)


def test_a_symbol_is_an_id_only_where_it_can_be_one() -> None:
    spot = layout_of("time,symbol,price\n1600000000,BTCUSDT,1\n")
    assert id_rule("p", spot, "coin_id", None) == IdRule(column="symbol")
    assert id_rule("p", spot, "coin_id", "bitcoin") == IdRule(column="symbol", value="bitcoin", only="BTCUSDT")
    slashed = layout_of("time,symbol,price\n1600000000,BTC/USD,1\n")
    with pytest.raises(SourceError, match="p: the symbol BTC/USD is no coin_id; give it with --coin-id"):
        id_rule("p", slashed, "coin_id", None)


def test_several_symbols_are_not_one_coin() -> None:
    layout = layout_of("time,symbol,price\n1600000000,BTCUSDT,1\n1600000000,ETHUSDT,1\n")
    with pytest.raises(SourceError, match=r"several symbols \(BTCUSDT, ETHUSDT\), which cannot all be bitcoin"):
        id_rule("p", layout, "coin_id", "bitcoin")


def test_names_that_are_no_ids_are_said_at_once() -> None:
    layout = layout_of("time,coin,price\n1600000000,Bitcoin,1\n")
    with pytest.raises(SourceError, match="the coin Bitcoin is no coin_id; write ids such as bitcoin"):
        id_rule("p", layout, "coin_id", "bitcoin")


def test_parquet_is_told_by_its_columns() -> None:
    layout = named_layout("p.parquet", ["Time", "Price"], [{"Time": "2020-09-13 12:26:40", "Price": "1.5"}])
    assert (layout.kind, layout.places) == ("ticks", {"time": 0, "price": 1})
    assert json.loads(json.dumps(layout.sample)) == [{"time": "2020-09-13 12:26:40", "price": "1.5"}]
