"""Status: what the job last said of itself, and what follows from it for the page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dashboard.model import Market
from dashboard.tree import Said
from pricestream.json_text import parse_json

COUNTS: Final = ("rows", "ok", "late", "rejected", "heartbeat")
STATES: Final = ("starting", "running", "stopping", "stopped", "failed")
#: A job at work writes its status within a poll and a trigger.
SILENT_MS: Final = 5 * 60_000
#: Further behind than so, the data's clock is not ours: a recording, or a made-up market.
OTHER_CLOCK_MS: Final = 7 * 86_400_000


@dataclass(frozen=True)
class JobStatus:
    """The status file; what it does not say is None or empty."""

    #: One of :data:`STATES`; None where it says something else.
    state: str | None = None
    #: By the names of :data:`COUNTS`.
    counts: Mapping[str, int] = field(default_factory=dict)
    bars: int | None = None
    files: int | None = None
    batch: int | None = None
    #: Every window up to here is closed, epoch ms.
    watermark_ms: int | None = None
    stale: tuple[Market, ...] = ()
    settled: bool = False
    written_ms: int = 0

    def age_ms(self, now_ms: int) -> int:
        """How long ago it was written."""
        return max(0, now_ms - self.written_ms)

    def is_silent(self, now_ms: int) -> bool:
        """Whether the job should be at work by its own words, and has not written for too long."""
        return self.state in ("starting", "running", "stopping") and self.age_ms(now_ms) > SILENT_MS

    def lag_ms(self, now_ms: int) -> int | None:
        """How far closed windows are behind the clock; None where the data has another one."""
        if self.watermark_ms is None:
            return None
        lag = now_ms - self.watermark_ms
        return max(0, lag) if -SILENT_MS <= lag <= OTHER_CLOCK_MS else None


def read_status(said: Said | None) -> JobStatus | None:
    """Take the file apart; None where there is none, or it is no such file."""
    if said is None:
        return None
    try:
        tree = parse_json(said.data)
    except ValueError:
        return None
    if not isinstance(tree, dict):
        return None
    bars, csv, ticks = (_section(tree, name) for name in ("bars", "csv", "ticks"))
    state = tree.get("state")
    stale = bars.get("stale")
    return JobStatus(
        state=state if state in STATES else None,
        counts={name: count for name in COUNTS if (count := _count(ticks, name)) is not None},
        bars=_count(bars, "rows"),
        files=_count(csv, "files"),
        batch=_count(bars, "batch"),
        watermark_ms=_count(bars, "watermark_ms"),
        stale=tuple(_market(each) for each in stale if isinstance(each, str)) if isinstance(stale, list) else (),
        settled=tree.get("settled") is True,
        written_ms=said.written_ms,
    )


def _section(tree: dict[str, Any], name: str) -> dict[str, Any]:
    found = tree.get(name)
    return found if isinstance(found, dict) else {}


def _count(section: Mapping[str, Any], name: str) -> int | None:
    found = section.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def _market(text: str) -> Market:
    coin, _, currency = text.rpartition("/")
    return Market(coin, currency)
