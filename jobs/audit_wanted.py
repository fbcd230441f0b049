"""Wanted: the records that are missing, and where on the stream they must be."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from jobs.audit_model import Gap
from pricestream.json_text import parse_json

#: What was refused at first comes late: so far before and behind a gap's neighbours its records are looked for.
_MARGIN_MS: Final = 300_000

#: From the oldest record on that the stream still has.
BEGINNING_MS: Final = 0


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of the stream, by the arrival of its records, epoch ms; both ends included."""

    start_ms: int
    end_ms: int


def find_spans(gaps: Iterable[Gap], now_ms: int) -> list[Span]:
    """Find where the records of gaps must be, up to now; stretches that overlap become one."""
    spans: list[Span] = []
    for span in sorted(_span(gap, now_ms) for gap in gaps):
        if spans and span.start_ms <= spans[-1].end_ms:
            spans[-1] = Span(spans[-1].start_ms, max(spans[-1].end_ms, span.end_ms))
        else:
            spans.append(span)
    return spans


def _span(gap: Gap, now_ms: int) -> Span:
    before = gap.before.arrived_ms if gap.before else None
    behind = gap.behind.arrived_ms
    return Span(
        BEGINNING_MS if before is None else max(BEGINNING_MS, before - _MARGIN_MS),
        now_ms if behind is None else min(now_ms, behind + _MARGIN_MS),
    )


class Wanted:
    """The numbers that are looked for, each of which is taken once."""

    def __init__(self, gaps: Iterable[Gap]) -> None:
        """Want all numbers of these gaps, no two of which overlap."""
        self._gaps: dict[str, list[Gap]] = {}
        for gap in sorted(gaps, key=lambda each: each.from_seq):
            self._gaps.setdefault(gap.producer_id, []).append(gap)
        self._taken: set[tuple[str, int]] = set()
        #: How many have not been taken yet.
        self.left = sum(gap.count for each in self._gaps.values() for gap in each)

    def take(self, data: bytes) -> bool:
        """Tell whether a record carries a number that is still wanted; from then on it is not."""
        number = _number(data)
        if number is None or number in self._taken or not self._is_in_gap(*number):
            return False
        self._taken.add(number)
        self.left -= 1
        return True

    def _is_in_gap(self, producer_id: str, seq: int) -> bool:
        gaps = self._gaps.get(producer_id, [])
        place = bisect_right(gaps, seq, key=lambda gap: gap.from_seq) - 1
        return place >= 0 and seq <= gaps[place].to_seq


def _number(data: bytes) -> tuple[str, int] | None:
    """Read whose record it is and its number; None where it says neither."""
    try:
        record = parse_json(data)
    except ValueError:
        return None
    if not isinstance(record, dict):
        return None
    producer_id, seq = record.get("producer_id"), record.get("seq")
    # Not isinstance: true is an int in Python, and no number in JSON.
    return (producer_id, seq) if isinstance(producer_id, str) and type(seq) is int else None
