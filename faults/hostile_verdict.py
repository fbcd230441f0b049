"""Hostile verdict: what the job made of hostile records, held against what it must make of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from faults.drill import Outcome
from faults.hostile import Hostile
from pricestream.tick import EARLIEST_MS, GREATEST_PRICE, LATEST_MS, LEAST_PRICE, is_valid_id

_SHOWN = 10


def outcome_of(sent: Iterable[Hostile], rows: Iterable[Mapping[str, Any]]) -> Outcome:
    """Hold rows of ``ticks`` against the records that were sent.

    Args:
        sent: the records.
        rows: ``payload``, ``status``, ``reason``, ``coin_id``, ``vs_currency``, ``price``, ``event_ms``, ``polled_ms``.

    Returns:
        How many there were of each status, and what is wrong: a record that is no row or two, a status that is not
        the right one, a row without a reason, an accepted one that the contract does not allow.
    """
    all_sent = list(sent)
    found = list(rows)
    wanted, statuses = {each.payload: each for each in all_sent}, dict[bytes, set[str]]()
    problems: list[str] = []
    for row in found:
        payload = bytes(row["payload"])
        statuses.setdefault(payload, set()).add(row["status"])
        problems += [f"{fault}: {payload[:120]!r}" for fault in _faults(row)]
    for payload, each in wanted.items():
        got = statuses.get(payload, {"no row"})
        if len(got) != 1 or (each.status is not None and got != {each.status}):
            problems.append(f"{each.what}: {', '.join(sorted(got))} where {each.status or 'one status'} was due")
    lost = Counter(each.payload for each in all_sent) - Counter(bytes(row["payload"]) for row in found)
    problems += [f"{number} times no row: {payload[:120]!r}" for payload, number in lost.items()]
    counts = {"sent": len(all_sent), "rows": len(found)} | Counter(str(row["status"]) for row in found)
    more = [f"and {len(problems) - _SHOWN:,} more"] if len(problems) > _SHOWN else []
    return Outcome(counts, (*problems[:_SHOWN], *more))


def _faults(row: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with a row by itself."""
    if row["status"] == "rejected":
        return [] if row["reason"] else ["rejected without a reason"]
    faults = [
        f"{name} {row[name]} is absurd and yet accepted"
        for name in ("event_ms", "polled_ms")
        if row[name] is None or not EARLIEST_MS <= row[name] <= LATEST_MS
    ]
    if row["status"] != "heartbeat":
        faults += [
            f"{name} is no id and yet accepted"
            for name in ("coin_id", "vs_currency")
            if row[name] is None or not is_valid_id(row[name])
        ]
        if row["price"] is None or not LEAST_PRICE <= row["price"] <= GREATEST_PRICE:
            faults.append(f"a price of {row['price']} is accepted")
    return faults
