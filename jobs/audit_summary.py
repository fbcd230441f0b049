"""The audit as a page for people: what it found first, then the counts."""

from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.audit_document import iso_time
from jobs.audit_model import Audit, BarDifference, Completeness, Conflict, Gap, Moment, Producer, Repair

_AT_MOST: Final = 20


def print_summary(audit: Audit, console: Console) -> None:
    """Print the findings, at most 20 of a kind, then what was counted, then the verdict."""
    for title, lines, count in _findings(audit):
        console.print(Text(f"{title}: {count:,}", style="bold red"))
        _say(console, lines, count)
    console.print(_counts(audit))
    for note in _notes(audit):
        _say(console, [note], 1)
    verdict = ("holds: nothing is missing, nothing differs", "green") if audit.holds else ("does not hold", "red")
    console.print(Text(f"The audit {verdict[0]}", style=f"bold {verdict[1]}"))


def _say(console: Console, lines: list[str], count: int) -> None:
    if count > len(lines):
        lines = [*lines, f"  and {count - len(lines):,} more"]
    for line in lines:
        # As text: what a producer calls itself is no markup. And no character of it may move a cursor.
        harmless = "".join(each if each.isprintable() else "\ufffd" for each in line)
        console.print(Text(harmless), soft_wrap=True)


def _findings(audit: Audit) -> Iterator[tuple[str, list[str], int]]:
    """Give each kind of finding that there is: a title, its first lines, and how many there are."""
    complete, accounts, consistent = audit.completeness, audit.accounting, audit.consistency
    if complete.gap_count:
        gaps = [_gap_line(each) for each in complete.gaps[:_AT_MOST]]
        yield "Ranges of numbers that are missing", gaps, complete.gap_count
    if complete.conflict_count:
        conflicts = [_conflict_line(each) for each in complete.conflicts[:_AT_MOST]]
        yield "Numbers that two different records carry", conflicts, complete.conflict_count
    if not accounts.holds:
        sums = [f"  {accounts.rows:,} rows of ticks, {accounts.accounted:,} accounted for"]
        yield "Sums that are not equal", sums, 1
    if consistent.bar_difference_count:
        bars = [_bar_line(each) for each in consistent.bar_differences[:_AT_MOST]]
        yield "Bars that are not what their ticks make", bars, consistent.bar_difference_count
    if len(consistent.file_differences):
        files = [f"  {each.key}: {each.kind}" for each in consistent.file_differences[:_AT_MOST]]
        yield "Files that are not what their bars say", files, len(consistent.file_differences)


def _gap_line(gap: Gap) -> str:
    numbers = f"{gap.from_seq}" if gap.count == 1 else f"{gap.from_seq} to {gap.to_seq} ({gap.count:,} records)"
    if gap.before is None:
        return f"  {gap.producer_id}: {numbers}, polled before {_polled(gap.behind)}"
    return f"  {gap.producer_id}: {numbers}, polled between {_polled(gap.before)} and {_polled(gap.behind)}"


def _conflict_line(conflict: Conflict) -> str:
    return f"  {conflict.producer_id}: {conflict.seq}, polled {_polled(conflict.first)} and {_polled(conflict.last)}"


def _bar_line(bar: BarDifference) -> str:
    return f"  {bar.coin_id}/{bar.vs_currency} {bar.interval} {iso_time(bar.window_start_ms)}: {bar.kind}"


def _polled(moment: Moment) -> str:
    return iso_time(moment.polled_ms) or "an unknown time"


def _counts(audit: Audit) -> Table:
    complete, accounts, consistent = audit.completeness, audit.accounting, audit.consistency
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    rows = [
        ("producers", complete.producer_count),
        ("  numbers that are there", complete.numbers),
        ("  numbers that are missing", complete.missing),
        ("rows of ticks", accounts.rows),
        *((f"  {status}", count) for status, count in accounts.distinct.items()),
        ("  read again", accounts.rereads),
        ("  sent again", accounts.resends),
        *((f"  added by {name}", count) for name, count in accounts.added.items()),
        ("bars compared", consistent.bars),
        ("files compared", consistent.files),
    ]
    for name, count in rows:
        table.add_row(Text(name), f"{count:,}")
    return table


def _notes(audit: Audit) -> Iterator[str]:
    """Say what is not judged, and what was repaired."""
    scope, consistent = audit.scope, audit.consistency
    until = iso_time(scope.horizon_ms)
    yield f"Judged: windows that end at {until} or before" if until else "The stream has brought nothing yet"
    yield from _notes_on_numbers(audit.completeness)
    if consistent.files_without_bars:
        yield (
            f"Left alone: {consistent.files_without_bars:,} files that bars says nothing of; they may be right, and "
            "their bars past a retention or lost: make the bars again, or remove the files by hand"
        )
    if consistent.open_files:
        yield f"Not judged: {consistent.open_files:,} files that differ and are still being written to"
    if audit.repair:
        yield _repair_line(audit.repair)


def _notes_on_numbers(complete: Completeness) -> Iterator[str]:
    unknown = [each for each in complete.producers if each.judged_from is not None]
    yield from (_beginning_line(each) for each in unknown[:_AT_MOST])
    if len(unknown) > _AT_MOST:
        yield f"and {len(unknown) - _AT_MOST:,} more"
    if complete.open_gaps:
        yield f"Not judged: {complete.open_gaps:,} gaps so new that what they lack may still be on its way"
    if complete.unnumbered:
        yield f"Not judged: {complete.unnumbered:,} accepted records without a producer or a number"


def _beginning_line(producer: Producer) -> str:
    numbers = f"what is gone of {producer.producer_id} before {producer.judged_from}"
    return f"Not judged: {numbers}; it may be past retention, or the stream was read from its tip on"


def _repair_line(repair: Repair) -> str:
    did = f"{repair.landed:,} records landed, {repair.bars:,} bars made anew, {repair.files:,} files replaced"
    could_not = {
        "not kept by the stream any more": repair.forgotten,
        "not found on the stream": repair.not_found,
        "in windows that are still open": repair.too_new,
    }
    return "; ".join(
        [f"Repaired: {did}", *(f"{count:,} records are {why}" for why, count in could_not.items() if count)]
    )
