"""Health: the pipeline's state as tiles, each a name, a value and what it means."""

from typing import NamedTuple

from dashboard import written
from dashboard.status import JobStatus
from dashboard.words.texts import Texts
from jobs.report_text import plain

_MOST_NAMES = 20


class Tile(NamedTuple):
    """One tile. ``kind`` is ``good``, ``warn``, ``bad`` or ``calm``."""

    name: str
    kind: str
    label: str
    value: str
    hint: str
    #: What is said besides where there is room for it; may be empty.
    more: str = ""


def make_tiles(status: JobStatus | None, now_ms: int, texts: Texts) -> tuple[Tile, ...]:
    """Say how the pipeline is.

    Args:
        status: what the job said; None where it said nothing.
        now_ms: by our clock, epoch ms.
        texts: of the language.
    """
    if status is None:
        return (Tile("state", "warn", texts.state, texts.no_status, texts.no_status_hint),)
    return (
        _state(status, now_ms, texts),
        _closed(status, now_ms, texts),
        _batch(status, texts),
        *_counts(status, texts),
        _stale(status, texts),
    )


def _state(status: JobStatus, now_ms: int, texts: Texts) -> Tile:
    is_silent = status.is_silent(now_ms)
    kind = "bad" if status.state == "failed" else "warn" if is_silent or status.state is None else "calm"
    if status.state == "running" and not is_silent:
        kind = "good"
    said = texts.said.format(ago=written.ago(status.age_ms(now_ms), texts))
    parts = [said, *([texts.silent] if is_silent else []), *([texts.settled] if status.settled else [])]
    return Tile("state", kind, texts.state, texts.states[status.state or "unknown"], ", ".join(parts))


def _closed(status: JobStatus, now_ms: int, texts: Texts) -> Tile:
    if status.watermark_ms is None:
        return Tile("lag", "calm", texts.closed_to, written.count(None, texts), texts.nothing_closed)
    lag = status.lag_ms(now_ms)
    hint = texts.other_clock if lag is None else texts.lag.format(time=written.duration(lag, texts))
    day, _, time = written.moment(status.watermark_ms).partition(" ")
    return Tile("lag", "calm", texts.closed_to, time, f"{day}, {hint}")


def _batch(status: JobStatus, texts: Texts) -> Tile:
    if status.batch is None:
        return Tile("batch", "calm", texts.batch, written.count(None, texts), texts.no_batch)
    hint = texts.batch_hint.format(bars=written.count(status.bars, texts), files=written.count(status.files, texts))
    return Tile("batch", "calm", texts.batch, written.count(status.batch, texts), hint)


def _counts(status: JobStatus, texts: Texts) -> tuple[Tile, ...]:
    rows = texts.accepted_hint.format(rows=written.count(status.counts.get("rows"), texts))
    late, rejected = status.counts.get("late"), status.counts.get("rejected")
    return (
        Tile("ok", "calm", texts.accepted, written.count(status.counts.get("ok"), texts), rows),
        Tile("late", "warn" if late else "calm", texts.late, written.count(late, texts), texts.late_hint),
        Tile(
            "rejected",
            "warn" if rejected else "calm",
            texts.rejected,
            written.count(rejected, texts),
            texts.rejected_hint,
        ),
    )


def _stale(status: JobStatus, texts: Texts) -> Tile:
    names = [plain(" ".join(market)) for market in status.stale[:_MOST_NAMES]]
    hint = texts.stale_hint if names else texts.none_stale
    kind = "warn" if names else "calm"
    return Tile("stale", kind, texts.stale_coins, written.count(len(status.stale), texts), hint, ", ".join(names))
