"""History: ticks of a made-up market in files, for every contender the same ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.errors import BenchmarkError

#: 2026-01-05T00:00:00Z, epoch ms.
START_MS: Final = 1_767_571_200_000
DAY: Final = "2026-01-05"
NEXT_DAY: Final = "2026-01-06"
_DAY_MS: Final = 86_400_000
#: A coin has a price every so often, in the mean; more often where a day would not hold them all.
_SPACING_MS: Final = 10_000
#: One tick in so many has the time of the one before it, and only its number tells which came first.
_TIED: Final = 50
#: One tick in so many is there twice, as after a crash.
_TWICE: Final = 1_000
_ROWS_A_PIECE: Final = 200_000

_LINE: Final = (
    '{{"v":1,"coin_id":"{}","vs_currency":"usd","price":{!r},"event_time":{},"polled_at":{},"producer_id":"bench",'
    '"seq":{},"source":"replay","market_cap":null,"volume_24h":null,"change_24h_pct":null,"event_seq":{}}}\n'
)


@dataclass(frozen=True)
class History:
    """The same ticks in two kinds of files."""

    ticks: int
    coins: int
    parquet: Path
    json: Path

    def path(self, kind: str) -> Path:
        """Give the file of one kind, ``parquet`` or ``json``."""
        return {"parquet": self.parquet, "json": self.json}[kind]


@dataclass(frozen=True)
class Ticks:
    """Columns of ticks, in the order in which they came."""

    coin: NDArray[np.int64]
    event_ms: NDArray[np.int64]
    event_seq: NDArray[np.int64]
    price: NDArray[np.float64]


def coin_name(number: int) -> str:
    """Name a coin."""
    return f"coin-{number:05d}"


def make_ticks(ticks: int, coins: int, seed: int) -> Ticks:
    """Make up a market: each coin walks at random, has a tick every ten seconds or so, and some of them are odd.

    One in 50 has the time of the tick before it, one in 1,000 is there twice. The same seed gives the same market. All
    of it lies in one day: of more ticks than that they come the faster.

    Raises:
        BenchmarkError: there are too few ticks for the coins, or more than a day has milliseconds.
    """
    each = ticks // coins
    if not 1 <= each < _DAY_MS:
        raise BenchmarkError(
            f"{ticks} ticks of {coins} coins are {each} each; ask for {coins:,} to {coins * _DAY_MS - 1:,}"
        )
    spacing_ms = min(_SPACING_MS, _DAY_MS // (each + 1))
    rng = np.random.default_rng(seed)
    number = np.arange(each)[:, None]
    jitter = rng.integers(0, spacing_ms, (each, coins))
    event_ms = START_MS + number * spacing_ms + jitter
    tied = rng.random((each, coins)) < 1 / _TIED
    tied[0] = False
    event_ms[1:][tied[1:]] = event_ms[:-1][tied[1:]]
    steps = rng.normal(0.0, 0.0005, (each, coins))
    price = 10.0 ** rng.uniform(-4, 4, coins) * np.exp(np.cumsum(steps, axis=0))
    coin = np.broadcast_to(np.arange(coins), (each, coins))
    seq = np.broadcast_to(number, (each, coins))
    columns = [np.ascontiguousarray(column).reshape(-1) for column in (coin, event_ms, seq, price)]
    again = rng.random(columns[0].size) < 1 / _TWICE
    # As they would have come: polls one after the other, and what is sent again right behind.
    order = np.repeat(np.arange(columns[0].size), np.where(again, 2, 1))
    return Ticks(*(column[order] for column in columns))


def write_history(folder: Path, *, ticks: int, coins: int, seed: int = 7) -> History:
    """Write the market into ``folder``, as Parquet and as JSON lines. Both have the columns of the stream's records."""
    made = make_ticks(ticks, coins, seed)
    history = History(made.coin.size, coins, folder / "ticks.parquet", folder / "ticks.jsonl")
    names = np.array([coin_name(number) for number in range(coins)], dtype=object)
    table = pa.table(
        {
            "coin_id": pa.array(names[made.coin], pa.string()),
            "vs_currency": pa.array(["usd"] * made.coin.size, pa.string()),
            "price": made.price,
            "event_time": made.event_ms,
            "event_seq": made.event_seq,
        }
    )
    pq.write_table(table, history.parquet, row_group_size=_ROWS_A_PIECE)
    with history.json.open("w", encoding="utf-8") as out:
        out.writelines(json_lines(made))
    return history


def json_lines(made: Ticks) -> Iterator[str]:
    """Write each tick as the record that goes on the stream, and a line's end."""
    columns = (made.coin.tolist(), made.price.tolist(), made.event_ms.tolist(), made.event_seq.tolist())
    for seq, (coin, price, event_ms, event_seq) in enumerate(zip(*columns, strict=True), start=1):
        yield _LINE.format(coin_name(coin), price, event_ms, event_ms, seq, event_seq)
