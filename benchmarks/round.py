"""Round: what a streaming program was given at one moment, and what it took for it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.event_log import TOTAL, MicroBatch

#: The kinds of rounds: a heartbeat that closes nothing; a tick of each coin, with which a minute closes.
NOTHING: Final = "nothing to do"
TICKS: Final = "a tick a coin"
KINDS: Final = (NOTHING, TICKS)
QUERIES: Final = ("ingest", "bars")
#: The sum of the queries.
BOTH: Final = "both"


@dataclass(frozen=True)
class Round:
    """What was put on the stream at one moment."""

    kind: str
    #: Epoch ms, by the machine's clock.
    began_ms: int
    end_ms: int


@dataclass
class Timings:
    """What the rounds of one contender took, over all its runs."""

    #: Seconds of each round, by its kind and the query; ``both`` is their sum.
    seconds: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    #: The same by part: Spark's, and the job's own steps.
    parts: dict[tuple[str, str, str], list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, rounds: Iterable[Round], batches: Sequence[MicroBatch]) -> None:
        """Sum the micro-batches that ended in each round; a round that a query had no batch in counts as nothing.

        By their ends: a trigger may fire just before a round's records come, and find them.

        The seconds are those in which a trigger had something to do, without the wait for the next one.
        """
        for each in rounds:
            total = 0.0
            for query in QUERIES:
                within = [b for b in batches if b.query == query and each.began_ms <= b.ended_ms < each.end_ms]
                seconds = sum(batch.parts[TOTAL] for batch in within)
                self.seconds[each.kind, query].append(seconds)
                total += seconds
                for name in sorted({name for batch in within for name in batch.parts} - {TOTAL}):
                    self.parts[each.kind, query, name].append(sum(batch.parts.get(name, 0.0) for batch in within))
            self.seconds[each.kind, BOTH].append(total)

    def add_steps(self, rounds: Iterable[Round], steps: Sequence[Mapping[str, Any]]) -> None:
        """Sum the job's own steps of each round."""
        for each in rounds:
            within = [step for step in steps if each.began_ms <= step["began_ms"] < each.end_ms]
            for name in sorted({step["step"] for step in within}):
                seconds = sum(step["seconds"] for step in within if step["step"] == name)
                self.parts[each.kind, "step", name].append(seconds)
