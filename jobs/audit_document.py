"""The audit as a document for machines. Times are ISO 8601, UTC; every list says how many more there are."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from jobs.audit_model import MAX_FINDINGS, Audit, BarDifference, Conflict, FileDifference, Gap, Moment


def document_of(audit: Audit) -> dict[str, Any]:
    """Write down everything that an audit found, as JSON has it."""
    scope = audit.scope
    return {
        "holds": audit.holds,
        "scope": {
            "from": scope.dates.first and scope.dates.first.isoformat(),
            "to": scope.dates.end and scope.dates.end.isoformat(),
            "ticks_version": scope.version,
            "judged_until": iso_time(scope.horizon_ms),
            "job_running": scope.is_running,
        },
        "completeness": _completeness(audit),
        "accounting": {
            **asdict(audit.accounting),
            "accounted": audit.accounting.accounted,
            "holds": audit.accounting.holds,
        },
        "consistency": _consistency(audit),
        "repair": audit.repair and asdict(audit.repair),
    }


def _completeness(audit: Audit) -> dict[str, Any]:
    found = audit.completeness
    return {
        "holds": found.holds,
        "producers": _listed([asdict(each) for each in found.producers], found.producer_count),
        "numbers": found.numbers,
        "missing": found.missing,
        "gaps": _listed([_gap(each) for each in found.gaps], found.gap_count),
        "conflicts": _listed([_conflict(each) for each in found.conflicts], found.conflict_count),
        "open_gaps": found.open_gaps,
        "unnumbered": found.unnumbered,
    }


def _consistency(audit: Audit) -> dict[str, Any]:
    found = audit.consistency
    return {
        "holds": found.holds,
        "bars": found.bars,
        "bar_differences": _listed([_bar(each) for each in found.bar_differences], found.bar_difference_count),
        "files": found.files,
        "open_files": found.open_files,
        "file_differences": _listed(
            [_file(each) for each in found.file_differences[:MAX_FINDINGS]], len(found.file_differences)
        ),
    }


def _listed(values: Sequence[Any], count: int) -> dict[str, Any]:
    return {"count": count, "not_listed": count - len(values), "listed": values}


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "producer_id": gap.producer_id,
        "from_seq": gap.from_seq,
        "to_seq": gap.to_seq,
        "count": gap.count,
        "before": gap.before and _moment(gap.before),
        "behind": _moment(gap.behind),
    }


def _conflict(conflict: Conflict) -> dict[str, Any]:
    return {
        "producer_id": conflict.producer_id,
        "seq": conflict.seq,
        "first": _moment(conflict.first),
        "last": _moment(conflict.last),
    }


def _bar(bar: BarDifference) -> dict[str, Any]:
    start = iso_time(bar.window_start_ms)
    return {
        "coin_id": bar.coin_id,
        "vs_currency": bar.vs_currency,
        "interval": bar.interval,
        "window_start": start,
        "kind": bar.kind,
    }


def _file(file: FileDifference) -> dict[str, Any]:
    return {"key": file.key, "kind": file.kind}


def _moment(moment: Moment) -> dict[str, Any]:
    return {"polled_at": iso_time(moment.polled_ms), "arrived_at": iso_time(moment.arrived_ms)}


def iso_time(milliseconds: int | None) -> str | None:
    """Write a time in epoch milliseconds; None stays None."""
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
