"""The tick contract: what one record on the stream looks like, and the limits its fields keep to.

The producer writes it, the jobs read it. A record is UTF-8 JSON, one tick each, and its Kinesis
partition key is ``coin_id``. Times on the wire are epoch milliseconds, UTC.
"""

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final, Literal

CONTRACT_VERSION: Final = 1

Source = Literal["coingecko", "replay", "simulated", "backfill"]

#: CoinGecko ids and currencies. The first character keeps a heartbeat's reserved id out, and
#: anything that a spreadsheet would run as a formula.
ID_PATTERN: Final = r"[a-z0-9][a-z0-9._-]{0,127}"

#: The ``coin_id`` and ``vs_currency`` of a heartbeat. Neither matches :data:`ID_PATTERN`.
HEARTBEAT_ID: Final = "_heartbeat"

#: Times outside these bounds (epoch ms) are absurd: before the first bitcoin block, or in another age.
EARLIEST_MS: Final = int(datetime(2009, 1, 3, tzinfo=UTC).timestamp() * 1000)
LATEST_MS: Final = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)

#: Prices outside these bounds are absurd, and their squares and ratios would leave the range of a double.
LEAST_PRICE: Final = 1e-100
GREATEST_PRICE: Final = 1e100

#: How far an event may lie after its ``polled_at``: two clocks are never quite the same.
CLOCK_SKEW_SECONDS: Final = 120

_ID: Final = re.compile(ID_PATTERN)


def is_valid_id(text: str) -> bool:
    """Tell whether a coin id or a currency may stand in the contract."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Tick:
    """One price of one coin at one moment, as it travels on the stream.

    Attributes:
        coin_id: CoinGecko id, e.g. ``bitcoin``.
        vs_currency: CoinGecko currency, e.g. ``usd``.
        price: quote in ``vs_currency``; greater than 0. None only in a heartbeat.
        event_time: when the source last updated the price, epoch milliseconds UTC.
        polled_at: when the producer read it, epoch milliseconds UTC, by the producer's clock.
        producer_id: who sent it.
        seq: that sender's gapless counter, starting at 1.
        source: where the price came from.
        market_cap: in ``vs_currency``, as the source gives it.
        volume_24h: in ``vs_currency``, as the source gives it.
        change_24h_pct: percent, as the source gives it.
        event_seq: the source's own order of its events, e.g. a trade id.
    """

    coin_id: str
    vs_currency: str
    price: float | None
    event_time: int
    polled_at: int
    producer_id: str
    seq: int
    source: Source
    market_cap: float | None = None
    volume_24h: float | None = None
    change_24h_pct: float | None = None
    event_seq: int | None = None

    def to_json(self) -> bytes:
        """Serialise to the record that goes on the stream (UTF-8 JSON on one line)."""
        return json.dumps({"v": CONTRACT_VERSION, **asdict(self)}, separators=(",", ":")).encode()


def heartbeat(*, clock_ms: int, producer_id: str, seq: int, source: Source) -> Tick:
    """Make the record that carries the producer's clock, so that windows close while prices stand still."""
    return Tick(
        coin_id=HEARTBEAT_ID,
        vs_currency=HEARTBEAT_ID,
        price=None,
        event_time=clock_ms,
        polled_at=clock_ms,
        producer_id=producer_id,
        seq=seq,
        source=source,
    )
