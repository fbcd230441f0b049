"""Producer: what its summary says, and what of it is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pricestream.json_text import parse_json
from scripts.status_app.health import Fact, Part, span
from scripts.status_app.limits import Limits


@dataclass(frozen=True)
class Produced:
    """What ``summary.json`` says; None is what it does not say."""

    source: str
    polls: int
    sent: int
    spooled: int
    is_finished: bool
    updated_ms: int | None = None
    calls_left: int | None = None
    refusals: int = 0


def read_summary(data: bytes) -> Produced | None:
    """Read a summary (``producer/summary.py``), of whatever version; None where it is damaged."""
    try:
        tree: Any = parse_json(data)
        return Produced(
            source=str(tree["source"]),
            polls=int(tree["polls"]),
            sent=int(tree["sent"]),
            spooled=int(tree["spooled"]),
            is_finished=bool(tree["finished"]),
            updated_ms=tree.get("updated_ms"),
            calls_left=tree.get("calls_left"),
            refusals=int(tree.get("api_refusals", 0)),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def producer_part(data: bytes | None, place: str, limits: Limits, now_ms: int, *, is_held: bool | None) -> Part:
    """Judge the producer by its summary.

    Args:
        data: the file; None where there is none.
        place: where it is, for the words.
        limits: what is too old, and too much.
        now_ms: the time, epoch ms.
        is_held: whether a process holds its folder; None where none ever has.
    """
    if data is None:
        return Part("producer", "absent", problems=[f"has not run here: there is no {place}"])
    said = read_summary(data)
    if said is None:
        return Part("producer", "damaged", problems=[f"{place} is damaged; it is written anew by the next start"])
    state = "running" if is_held else ("finished" if said.is_finished else "not running")
    problems = _problems(said, limits, now_ms, is_running=bool(is_held))
    return Part("producer", state, tuple(_facts(said, now_ms)), tuple(problems))


def _problems(said: Produced, limits: Limits, now_ms: int, *, is_running: bool) -> Iterator[str]:
    age = None if said.updated_ms is None else (now_ms - said.updated_ms) / 1000
    if not is_running and not said.is_finished:
        yield "was killed or has failed; the last lines of its log say why, and what it holds is sent by the next start"
    elif not is_running and limits.is_live:
        yield "does not run: it was stopped"
    elif is_running and age is not None and age > limits.poll:
        yield f"has done nothing for {span(age)}, and a poll is due every {span((limits.poll - 60) / 2)}"
    if said.spooled > limits.spooled:
        yield f"{said.spooled:,} records wait on its disk: the stream is out of reach, or takes too little"
    elif said.spooled and not is_running:
        yield f"{said.spooled:,} records wait on its disk for the next start"
    if said.calls_left == 0:
        yield "the month's API calls are used up: until the next month there are no prices"


def _facts(said: Produced, now_ms: int) -> Iterator[Fact]:
    yield Fact("source", said.source, f"source {said.source}")
    if said.updated_ms is not None:
        age = max(0.0, (now_ms - said.updated_ms) / 1000)
        yield Fact("updated_age_s", age, f"last did something {span(age)} ago")
    yield Fact("polls", said.polls, f"{said.polls:,} polls")
    yield Fact("sent", said.sent, f"{said.sent:,} records sent")
    yield Fact("spooled", said.spooled, f"{said.spooled:,} waiting")
    if said.refusals:
        yield Fact("api_refusals", said.refusals, f"{said.refusals:,} calls refused (429)")
    if said.calls_left is not None:
        yield Fact("calls_left", said.calls_left, f"{said.calls_left:,} calls left this month")
