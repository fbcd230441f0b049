"""Hostile records: what may come over a stream that is open to mistakes and to malice, and what must become of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final

#: Ids that try to leave a folder, a line, a cell, a query or an alphabet; none may stand in the contract.
IDS: Final = (
    "../../etc/passwd",
    "..",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "coin_id=1",
    "a=b",
    "%2f..%2f",
    "a%2fb",
    "bit\x00coin",
    "bitcoin\n",
    "bit\r\ncoin",
    "bit\tcoin",
    "bit coin",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "=cmd|' /C calc'!A0",
    "'bitcoin",
    'bit"coin',
    "bit,coin",
    "bit;coin",
    "<script>alert(1)</script>",
    "' OR '1'='1",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "$(id)",
    "`id`",
    "_heartbeat2",
    "__HIVE_DEFAULT_PARTITION__",
    ".hidden",
    "",
    " ",
    "a" * 129,
    "a" * 2048,
    "Bitcoin",
    "біткойн",
    "比特币",
    "bitco\u0131n",
    "bit\u200bcoin",
    "\u202ebitcoin",
    "bitcoin\u2028",
    "\ud83d\ude80",
    "a\u0301",
)

#: Whose prices fuzzed records would tell, so that no other coin's bars can come of them.
FUZZED_COIN: Final = "fuzzed"

#: A day, in milliseconds.
_DAY: Final = 86_400_000
_YEAR_1970: Final = 0
_YEAR_9999: Final = 253_370_764_800_000


@dataclass(frozen=True)
class Hostile:
    """A record, and the status that it must get; None where it may be any, so long as the contract is kept."""

    payload: bytes
    status: str | None
    what: str


def tick(at: int, **changes: Any) -> dict[str, Any]:
    """Give a record that is as it should be, but for the changes; ``at`` is its time, epoch ms."""
    good = {
        "v": 1,
        "coin_id": "bitcoin",
        "vs_currency": "usd",
        "price": 60_000.0,
        "market_cap": None,
        "volume_24h": None,
        "change_24h_pct": None,
        "event_time": at,
        "polled_at": at,
        "event_seq": None,
        "producer_id": "h",
        "seq": 1,
        "source": "coingecko",
    }
    return good | changes


def _encoded(record: dict[str, Any]) -> bytes:
    # A lone surrogate, which JSON allows as an escape, can only be written so.
    return json.dumps(record).encode()


def hostile_ids(at: int) -> Iterator[Hostile]:
    """Put each id where a coin's and where a currency's belongs."""
    for number, text in enumerate(IDS):
        for field in ("coin_id", "vs_currency"):
            yield Hostile(_encoded(tick(at, seq=number, **{field: text})), "rejected", f"{field} {text[:40]!r}")


def wrong_clocks(at: int, *, arrival: int) -> Iterator[Hostile]:
    """Move the times about.

    Args:
        at: a time at which a record is fine, epoch ms.
        arrival: when the records come, by the stream's clock, epoch ms.
    """
    cases: dict[str, tuple[dict[str, int], str]] = {
        "an event a day early": ({"event_time": at - _DAY}, "late"),
        "an event a day late": ({"event_time": at + _DAY}, "rejected"),
        "a producer a day ahead of the stream": (
            {"event_time": arrival + _DAY, "polled_at": arrival + _DAY},
            "rejected",
        ),
        "a producer a day behind": ({"polled_at": at - _DAY}, "rejected"),
        "the year 1970": ({"event_time": _YEAR_1970, "polled_at": _YEAR_1970}, "rejected"),
        "an event of 1970": ({"event_time": _YEAR_1970}, "rejected"),
        "the year 9999": ({"event_time": _YEAR_9999, "polled_at": _YEAR_9999}, "rejected"),
        "a poll in 9999": ({"polled_at": _YEAR_9999}, "rejected"),
        "the year 2099": ({"event_time": 4_070_908_800_000, "polled_at": 4_070_908_800_000}, "rejected"),
        "before all time": ({"event_time": -(2**63)}, "rejected"),
        "after all time": ({"event_time": 2**63 - 1, "polled_at": 2**63 - 1}, "rejected"),
    }
    for what, (times, status) in cases.items():
        yield Hostile(_encoded(tick(at, **times)), status, what)
        beat = tick(at, coin_id="_heartbeat", vs_currency="_heartbeat", price=None, **times)
        # A heartbeat is never late: it says what time it is.
        yield Hostile(_encoded(beat), "heartbeat" if status == "late" else status, f"heartbeat: {what}")


def fuzzed(at: int, rng: Random, count: int) -> Iterator[Hostile]:
    """Make records from a good one by breaking it: bytes, fields, types, nesting.

    Args:
        at: a time at which a record is fine, epoch ms.
        rng: the only chance.
        count: how many.
    """
    breakers = (_noise, _flipped, _cut, _other_type, _other_number, _nested, _renamed, _twice, _long, _listed)
    for number in range(count):
        price = rng.choice((1e-12, 3.5, 60_000.25))
        good = tick(at + rng.randrange(60_000), coin_id=FUZZED_COIN, seq=number, price=price)
        payload, status = rng.choice(breakers)(good, rng)
        yield Hostile(payload, status, "fuzzed")


Broken = tuple[bytes, str | None]


def _noise(_: dict[str, Any], rng: Random) -> Broken:
    return b"\xff" + rng.randbytes(rng.randrange(300)), "rejected"


def _flipped(good: dict[str, Any], rng: Random) -> Broken:
    data = bytearray(_encoded(good))
    for _ in range(rng.randrange(1, 4)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data), None


def _cut(good: dict[str, Any], rng: Random) -> Broken:
    data = _encoded(good)
    return data[: rng.randrange(len(data))], "rejected"


def _other_type(good: dict[str, Any], rng: Random) -> Broken:
    name = rng.choice(("v", "coin_id", "vs_currency", "price", "event_time", "polled_at"))
    value: Any = rng.choice(([], {}, [1], {"a": 1}, None))
    return _encoded(good | {name: value}), "rejected"


def _other_number(good: dict[str, Any], rng: Random) -> Broken:
    name = rng.choice(("price", "event_time", "polled_at", "v"))
    text = rng.choice(("-1", "0", "-0.0", "1e400", "-1e400", "NaN", "Infinity", "9" * 400, "1e-400"))
    return _encoded(good | {name: "@"}).replace(b'"@"', text.encode()), "rejected"


def _nested(good: dict[str, Any], rng: Random) -> Broken:
    depth = rng.choice((50, 900, 5_000))
    inside = b'{"a":' * depth + b"1" + b"}" * depth
    return _encoded(good | {"price": "@"}).replace(b'"@"', inside), "rejected"


def _renamed(good: dict[str, Any], rng: Random) -> Broken:
    name = rng.choice(("v", "coin_id", "vs_currency", "price", "event_time", "polled_at"))
    return _encoded({key: value for key, value in good.items() if key != name}), "rejected"


def _twice(good: dict[str, Any], rng: Random) -> Broken:
    # Which of two equal names counts is the parser's affair.
    return _encoded(good)[:-1] + b',"price":' + str(rng.choice((1.5, -1, 0))).encode() + b"}", None


def _long(good: dict[str, Any], rng: Random) -> Broken:
    # What is not in the contract is passed over, and so is the length of what is only told.
    name = rng.choice(("producer_id", "source", "note"))
    return _encoded(good | {name: rng.choice("a\u00e9\U0001f680") * rng.choice((1, 300, 5_000))}), "ok"


def _listed(good: dict[str, Any], rng: Random) -> Broken:
    return b"[" * rng.choice((1, 2, 3_000)) + _encoded(good), "rejected"
