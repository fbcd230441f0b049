"""What is wrong with a job and a producer, by the files that they keep."""

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.status import Status
from pricestream.config import load_settings
from producer.summary import Summary
from scripts.status_app.health import Health, Part, document_of, span
from scripts.status_app.job import job_part
from scripts.status_app.limits import Limits, limits_of
from scripts.status_app.producer import producer_part

NOW_MS = 1_767_603_600_000
LIMITS = Limits(arrival=600, csv=2_000, poll=600, spooled=100, is_live=True)


def job(*, seconds_ago: float = 5, arrival: float = 30, csv: float = 100, **more: Any) -> bytes:
    """The status of a job that is well, but for what is named."""
    status = Status(more.pop("state", "running"), **more)
    status.newest_arrival_ms = round(NOW_MS - arrival * 1000)
    status.published_ms = round(NOW_MS - csv * 1000)
    status.watermark_ms = NOW_MS - 420_000
    return status.to_json(round(NOW_MS - seconds_ago * 1000))


def judged(data: bytes | None, *, is_held: bool | None = True, has_ended: bool = False) -> Part:
    return job_part(data, "lake/status.json", LIMITS, NOW_MS, is_held=is_held, has_ended=has_ended)


def test_a_job_that_is_well() -> None:
    part = judged(job(ticks={"rows": 12_345, "ok": 12_300, "late": 4, "rejected": 1, "heartbeat": 40}))
    assert part.problems == []
    assert part.state == "running"
    assert [fact.words for fact in part.facts] == [
        "said so 5 s ago",
        "newest record 30 s old",
        "windows closed up to 7 min ago",
        "newest CSV file 100 s old",
        "12,300 ok, 4 late, 1 rejected",
    ]
    assert {fact.name: fact.value for fact in part.facts}["arrival_age_s"] == 30


@pytest.mark.parametrize(
    ("data", "is_held", "said"),
    [
        (None, None, "has not run here: there is no lake/status.json"),
        (b"{", True, "lake/status.json is damaged"),
        (b"[1]", True, "lake/status.json is damaged"),
        (b'{"state": "running"}', True, "lake/status.json is damaged"),
        (job(state="failed"), False, "has failed"),
        (job(state="stopped"), False, "does not run: it says stopped"),
        # By the lock on a disk.
        (job(), False, "was killed: it says running"),
        (job(state="starting", seconds_ago=1), False, "was killed: it says starting"),
        (job(seconds_ago=121), True, "has said nothing for 2 min: it is in a long repair, or hangs"),
        # On S3 no lock says it.
        (job(seconds_ago=7_300), None, "has said nothing for 2 h: it is dead, in a long repair, or hangs"),
        (job(arrival=601), True, "the newest record it has read came 10 min ago, and 10 min is the most"),
        (job(csv=2_001), True, "no CSV file was replaced for 33 min, and 33 min is the most"),
    ],
)
def test_what_is_wrong_with_a_job(data: bytes | None, is_held: bool | None, said: str) -> None:
    [problem] = judged(data, is_held=is_held).problems
    assert problem.startswith(said)


@pytest.mark.parametrize(
    "data", [job(seconds_ago=120), job(arrival=600), job(csv=2_000), job(state="starting"), job(state="stopping")]
)
def test_what_is_just_right(data: bytes) -> None:
    assert judged(data).problems == []


def test_a_job_whose_source_has_ended_is_not_behind() -> None:
    assert judged(job(arrival=5_000, csv=5_000), has_ended=True).problems == []


def test_what_a_job_of_an_older_version_does_not_say_is_no_problem() -> None:
    old = json.loads(job())
    del old["updated_ms"], old["stream"], old["csv"]["published_ms"]
    assert judged(json.dumps(old).encode()).problems == []


def test_stale_coins_are_named_but_for_very_many() -> None:
    coins = tuple(f"coin-{number}/usd" for number in range(8))
    words = [fact.words for fact in judged(job(stale=coins)).facts]
    assert words[-1] == "without a fresh price: coin-0/usd, coin-1/usd, coin-2/usd, coin-3/usd, coin-4/usd and 3 more"


def summary(**more: Any) -> bytes:
    """The summary of a producer that is well, but for what is named."""
    tree = {name: more.pop(name) for name in ("updated_ms",) if name in more}
    made = Summary("p", more.pop("source", "coingecko"), first_seq=1, seq=40, polls=10, sent=40, **more)
    fields = {name: getattr(made, name) for name in Summary.__dataclass_fields__}
    return json.dumps(fields | {"updated_ms": NOW_MS - 60_000} | tree).encode()


def produced(data: bytes | None, *, is_held: bool | None = True, limits: Limits = LIMITS) -> Part:
    return producer_part(data, "state/summary.json", limits, NOW_MS, is_held=is_held)


def test_a_producer_that_is_well() -> None:
    part = produced(summary(calls_left=9_000, api_refusals=2))
    assert (part.state, list(part.problems)) == ("running", [])
    assert [fact.words for fact in part.facts] == [
        "source coingecko",
        "last did something 60 s ago",
        "10 polls",
        "40 records sent",
        "0 waiting",
        "2 calls refused (429)",
        "9,000 calls left this month",
    ]


@pytest.mark.parametrize(
    ("data", "is_held", "said"),
    [
        (None, None, "has not run here"),
        (b"", True, "state/summary.json is damaged"),
        (b"null", True, "state/summary.json is damaged"),
        (summary(), False, "was killed or has failed"),
        (summary(finished=True), False, "does not run: it was stopped"),
        (summary(updated_ms=NOW_MS - 601_000), True, "has done nothing for 10 min"),
        (summary(spooled=101), True, "101 records wait on its disk: the stream is out of reach"),
        (summary(calls_left=0), True, "the month's API calls are used up"),
    ],
)
def test_what_is_wrong_with_a_producer(data: bytes | None, is_held: bool | None, said: str) -> None:
    [problem] = produced(data, is_held=is_held).problems
    assert problem.startswith(said)


def test_a_recording_that_has_ended_is_well_but_for_what_it_could_not_send() -> None:
    limits = Limits(arrival=600, csv=2_000, poll=600, spooled=100, is_live=False)
    ended = summary(source="replay", finished=True)
    assert (produced(ended, is_held=False, limits=limits).state, ended is not None) == ("finished", True)
    assert produced(ended, is_held=False, limits=limits).problems == ()
    left = produced(summary(source="replay", finished=True, spooled=3), is_held=False, limits=limits)
    assert list(left.problems) == ["3 records wait on its disk for the next start"]


def test_the_limits_follow_from_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("producer: {poll_seconds: 100, coins: [a, b], vs_currencies: [usd]}\n")
    limits = limits_of(load_settings(path, ["job.trigger_seconds=10", "job.base_interval=15m"]))
    # Two polls, a trigger and a minute; two windows more for a file; ten polls of two prices and a heartbeat.
    assert limits == Limits(arrival=270, csv=2_070, poll=260, spooled=30, is_live=True)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7_199, "120 min"), (7_200, "2 h"), (172_800, "2 days")],
)
def test_a_span_is_said_in_one_unit(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_one_problem_makes_it_unhealthy() -> None:
    well, ill = Part("job", "running"), Part("producer", "absent", problems=["has not run here"])
    assert Health("s", [well]).is_healthy
    found = document_of(Health("s", [well, ill]))
    assert (found["healthy"], found["problems"]) == (False, ["producer: has not run here"])
    assert found["parts"]["producer"] == {"state": "absent", "facts": {}, "problems": ["has not run here"]}
