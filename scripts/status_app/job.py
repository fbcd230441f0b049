"""Job: what its status file says, and what of it is wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pricestream.json_text import parse_json
from scripts.status_app.health import Fact, Part, span
from scripts.status_app.limits import SILENCE_SECONDS, Limits

_LIVE: Final = ("starting", "running", "stopping")
_SHOWN_COINS: Final = 5


@dataclass(frozen=True)
class Said:
    """What a status file says; None is what it does not say."""

    state: str
    updated_ms: int | None = None
    newest_arrival_ms: int | None = None
    watermark_ms: int | None = None
    published_ms: int | None = None
    files: int | None = None
    ticks: Mapping[str, int] | None = None
    stale: tuple[str, ...] = ()

    @property
    def is_live(self) -> bool:
        """Whether it says that it runs."""
        return self.state in _LIVE


def read_status(data: bytes) -> Said | None:
    """Read a status file (``jobs/status.py``), of whatever version; None where it is damaged."""
    try:
        tree = parse_json(data)
        return Said(
            state=str(tree["state"]),
            updated_ms=tree.get("updated_ms"),
            newest_arrival_ms=tree.get("stream", {}).get("newest_arrival_ms"),
            watermark_ms=tree["bars"]["watermark_ms"],
            published_ms=tree["csv"].get("published_ms"),
            files=tree["csv"]["files"],
            ticks=dict(tree["ticks"]),
            stale=tuple(tree["bars"].get("stale", ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def job_part(
    data: bytes | None, place: str, limits: Limits, now_ms: int, *, is_held: bool | None = None, has_ended: bool = False
) -> Part:
    """Judge the streaming job by its status file.

    Args:
        data: the file; None where there is none.
        place: where it is, for the words.
        limits: what is too old.
        now_ms: the time, epoch ms.
        is_held: whether a process holds the checkpoint; None where that cannot be told.
        has_ended: the source has no more prices, so that nothing new comes.
    """
    if data is None:
        return Part("job", "absent", problems=[f"has not run here: there is no {place}"])
    said = read_status(data)
    if said is None:
        return Part("job", "damaged", problems=[f"{place} is damaged; it is written anew by the next start"])
    problems = [*_is_dead(said, now_ms, is_held=is_held)]
    if not problems and not has_ended:
        problems += _is_behind(said, limits, now_ms)
    return Part("job", said.state, tuple(_facts(said, limits, now_ms)), problems)


def _is_dead(said: Said, now_ms: int, *, is_held: bool | None) -> Iterator[str]:
    age = None if said.updated_ms is None else (now_ms - said.updated_ms) / 1000
    if said.state == "failed":
        yield "has failed; the last lines of its log say why"
    elif not said.is_live:
        yield f"does not run: it says {said.state}"
    elif is_held is False:
        yield f"was killed: it says {said.state}, and no process holds its checkpoint; start it again, nothing is lost"
    elif age is not None and age > SILENCE_SECONDS:
        or_dead = "is in a long repair, or hangs" if is_held else "is dead, in a long repair, or hangs"
        yield f"has said nothing for {span(age)}: it {or_dead}"


def _is_behind(said: Said, limits: Limits, now_ms: int) -> Iterator[str]:
    if said.newest_arrival_ms is not None:
        age = (now_ms - said.newest_arrival_ms) / 1000
        if age > limits.arrival:
            yield (
                f"the newest record it has read came {span(age)} ago, and {span(limits.arrival)} is the most that is "
                "usual: the producer sends nothing, or the job is behind"
            )
    if said.published_ms is not None:
        age = (now_ms - said.published_ms) / 1000
        if age > limits.csv:
            yield f"no CSV file was replaced for {span(age)}, and {span(limits.csv)} is the most that is usual"


def _facts(said: Said, limits: Limits, now_ms: int) -> Iterator[Fact]:
    ages = (
        ("updated_age_s", said.updated_ms, "said so {} ago"),
        ("arrival_age_s", said.newest_arrival_ms, "newest record {} old"),
        # A recording and a made-up market have a time of their own.
        ("watermark_age_s", said.watermark_ms if limits.is_live else None, "windows closed up to {} ago"),
        ("csv_age_s", said.published_ms, "newest CSV file {} old"),
    )
    for name, moment, words in ages:
        age = None if moment is None else (now_ms - moment) / 1000
        if age is not None:
            yield Fact(name, age, words.format(span(max(0.0, age))))
    if said.ticks is not None:
        # Rows that are neither are heartbeats.
        counts = {name: said.ticks.get(name, 0) for name in ("ok", "late", "rejected")}
        yield Fact("ticks", dict(said.ticks), ", ".join(f"{count:,} {name}" for name, count in counts.items()))
    if said.stale:
        more = f" and {len(said.stale) - _SHOWN_COINS} more" if len(said.stale) > _SHOWN_COINS else ""
        yield Fact("stale", list(said.stale), f"without a fresh price: {', '.join(said.stale[:_SHOWN_COINS])}{more}")
