import gzip
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from pricestream.errors import SourceError
from pricestream.settings import Settings
from producer.quote import Poll, Quote, closing_ms
from producer.recording import Event as Row
from producer.recording import read_recording
from producer.replay import ReplaySource

T0 = 1_600_000_020_000  # a whole minute


def read(path: Path) -> list[Row]:
    return list(read_recording(path, coin_id="ripple", vs_currency="eth"))


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recording.csv"
    path.write_text(text)
    return path


def test_all_columns_are_read_and_others_passed_over(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "amount,Trade_ID,price,timestamp_ms,vs_currency,side,coin_id\n"
        "5,77,0.25,1600000000001,usd,buy,aave\n"
        "\n"
        "5,,1e-9,1600000000002,eur,sell,bitcoin\n",
    )
    assert read(path) == [
        Row("aave", "usd", 0.25, 1_600_000_000_001, 77),
        Row("bitcoin", "eur", 1e-9, 1_600_000_000_002, None),
    ]


@pytest.mark.parametrize("column", ["timestamp", "time", "datetime", "date", "window_start"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-09-13T12:26:40Z", 1_600_000_000_000),
        ("2020-09-13 12:26:40.123999", 1_600_000_000_123),
        ("2020-09-13T14:26:40.5+02:00", 1_600_000_000_500),
        ("2020-09-13", 1_599_955_200_000),
    ],
)
def test_iso_times_are_utc_unless_they_say_otherwise(tmp_path: Path, column: str, text: str, expected: int) -> None:
    assert read(write(tmp_path, f"{column},price\n{text},1\n")) == [Row("ripple", "eth", 1.0, expected, None)]


def test_milliseconds_come_before_other_times_and_a_bom_is_no_part_of_a_name(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufefftimestamp_ms,date,price\n1600000000000,yesterday,1\n")
    assert read(path)[0].event_time == 1_600_000_000_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no column price"),
        ("a,b\n", "has no column price"),
        ("price\n1\n", "no column timestamp_ms"),
        ("timestamp_ms,price\n1600000000000,1\n1600000000000,abc\n", "line 3: the price 'abc' is not a number"),
        ("timestamp_ms,price\n1600000000000,0\n", "line 2: the price 0 is not above 0"),
        ("timestamp_ms,price\n1600000000000,nan\n", "line 2: the price nan"),
        ("timestamp_ms,price\n1600000000000,inf\n", "line 2: the price inf"),
        ("timestamp_ms,price\n1600000000000\n", "line 2: has 1 columns"),
        ("timestamp_ms,price\n1600000000.5,1\n", "line 2: the time '1600000000.5'"),
        ("timestamp_ms,price\n1600000000,1\n", "line 2: 1600000000 is no time"),
        ("timestamp,price\n1600000000,1\n", "line 2: '1600000000' is not an ISO time"),
        ("date,price\n13.9.2020,1\n", "line 2: '13.9.2020' is not an ISO time"),
        ("timestamp_ms,price,coin_id\n1600000000000,1,=cmd\n", "line 2: '=cmd' is not an id"),
        ("timestamp_ms,price,trade_id\n1600000000000,1,x7\n", "line 2: the trade_id 'x7'"),
        (f"timestamp_ms,price,trade_id\n1600000000000,1,{2**63}\n", "line 2: the trade_id"),
        ('timestamp_ms,price\n1600000000000,"1\n', "line 2"),
    ],
)
def test_a_bad_row_names_the_file_and_the_line(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SourceError) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"producer\.replay\.path"):
        read(tmp_path / "missing.csv")
    whole = gzip.compress(b"timestamp_ms,price\n" + b"1600000000000,1\n" * 5_000)
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match="cut short or damaged"):
        read(cut)
    binary = tmp_path / "binary"
    binary.write_bytes(b"timestamp_ms,price\n\xff\xfe,1\n")
    with pytest.raises(SourceError, match="utf-8"):
        read(binary)


def test_rows_are_read_as_they_are_needed(tmp_path: Path) -> None:
    path = write(tmp_path, "timestamp_ms,price\n" + "1600000000000,1\n" * 20_000 + "broken\n")
    rows = read_recording(path, coin_id="ripple", vs_currency="eth")
    assert next(rows).price == 1.0


# The source that plays it.


def source(path: Path, *, speed: float = 0, poll: float = 10, watermark_minus: int = 120) -> ReplaySource:
    settings = Settings.model_validate(
        {
            "producer": {
                "source": "replay",
                "poll_seconds": poll,
                "vs_currencies": ["eth"],
                "replay": {"path": str(path), "speed": speed, "coin_id": "ripple"},
            },
            "job": {"allowed_lateness_seconds": watermark_minus},
        }
    )
    return ReplaySource(settings, Event())


def play(replay: ReplaySource, poll_seconds: float = 10) -> Iterator[Poll]:
    while (poll := replay.poll()) is not None:
        yield poll
        replay.clock.sleep(poll_seconds, Event())


def rows(*offsets_ms: int) -> str:
    return "timestamp_ms,price,trade_id\n" + "".join(
        f"{T0 + offset},{1 + index},{index}\n" for index, offset in enumerate(offsets_ms)
    )


def test_rows_come_with_the_poll_at_which_they_are_due(tmp_path: Path) -> None:
    polls = list(play(source(write(tmp_path, rows(1_000, 1_000, 11_000, 11_001, 35_000)))))
    told = [(poll.clock_ms - T0, [quote.event_time - T0 for quote in poll.quotes]) for poll in polls]
    # The window of the last event ends at 60 s; the watermark trails by 120 s of lateness and 120 s of skew.
    assert told == [
        (1_000, [1_000, 1_000]),
        (11_000, [11_000]),
        (21_000, [11_001]),
        (31_000, []),
        (41_000, [35_000]),
        (60_000 + 240_000, []),
    ]
    assert polls[1].quotes == [Quote("ripple", "eth", 3.0, T0 + 11_000, T0 + 11_000, event_seq=2)]
    assert [poll.coins for poll in polls] == [1, 1, 1, 0, 1, 0]


def test_a_row_out_of_order_is_sent_as_it_is_and_turns_no_clock_back(tmp_path: Path) -> None:
    polls = list(play(source(write(tmp_path, rows(0, 20_000, 5_000, 20_000)))))
    assert [quote.event_time - T0 for poll in polls for quote in poll.quotes] == [0, 20_000, 5_000, 20_000]
    clocks = [poll.clock_ms for poll in polls]
    assert clocks == sorted(clocks)


def test_quiet_time_is_jumped_over_and_polls_keep_to_their_grid(tmp_path: Path) -> None:
    text = rows(0, 86_400_500)
    told = [(poll.clock_ms - T0, len(poll.quotes)) for poll in play(source(write(tmp_path, text)))]
    assert told == [(0, 1), (86_400_000, 0), (86_410_000, 1), (86_400_000 + 60_000 + 240_000, 0)]
    # Also where the event is due at a poll: the one before it closes what was open.
    on_the_grid = [poll.clock_ms - T0 for poll in play(source(write(tmp_path, rows(0, 86_400_000))))]
    assert on_the_grid == [0, 86_390_000, 86_400_000, 86_700_000]
    # On a clock that takes its time every poll is made: their heartbeats close the windows meanwhile.
    slow = source(write(tmp_path, rows(0, 600_000)), speed=1e9)
    assert len(list(play(slow))) == 61 + 1


def test_a_single_row_ends_with_the_poll_that_closes_its_window(tmp_path: Path) -> None:
    polls = list(play(source(write(tmp_path, rows(59_999)))))
    assert [poll.clock_ms - T0 for poll in polls] == [59_999, 300_000]


def test_a_row_on_the_boundary_belongs_to_the_window_that_begins_there() -> None:
    assert closing_ms(T0, interval_seconds=60, watermark_seconds=0) == T0 + 60_000
    assert closing_ms(T0 - 1, interval_seconds=60, watermark_seconds=1) == T0 + 1_000


@pytest.mark.parametrize("text", ["timestamp_ms,price\n"])
def test_nothing_to_replay_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError, match="holds no rows"):
        source(write(tmp_path, text))
    settings = Settings.model_validate({"producer": {"source": "replay"}})
    with pytest.raises(SourceError, match="name the recording"):
        ReplaySource(settings, Event())


def test_the_recorded_trades_come_whole_and_in_order(shared_data: Path) -> None:
    path = shared_data / "market" / "xrp_eth_trades_2019-10-11_to_13.csv.gz"
    with gzip.open(path, "rt") as file:
        expected = [line.split(",") for line in file.read().splitlines()[1:]]
    polls = list(play(source(path, poll=60), 60))
    quotes = [quote for poll in polls for quote in poll.quotes]
    assert len(quotes) == 12_477
    assert [(str(quote.event_time), str(quote.event_seq)) for quote in quotes] == [(row[0], row[1]) for row in expected]
    assert [quote.price for quote in quotes] == [float(row[3]) for row in expected]
    assert all(0 <= quote.polled_at - quote.event_time < 60_000 for quote in quotes)
    # The last trade is at 2019-10-13T11:19:28.844Z: its minute ends at 11:20, and 4 minutes later it is closed.
    assert polls[-1].clock_ms == 1_570_965_600_000 + 240_000
    assert polls[-1].quotes == []
