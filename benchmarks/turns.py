"""Turns: contenders run one after another, round by round, so that what changes meanwhile meets all of them."""

from collections.abc import Callable, Mapping

from benchmarks.figure import Figure, figure_of

#: Does the work once, checks what came of it, and gives what was measured; raises where the answer is wrong.
Work = Callable[[], float]


def take_turns(work: Mapping[str, Work], rounds: int, *, said: Callable[[str], None]) -> dict[str, Figure]:
    """Measure each contender once a round, every second round the other way around.

    Args:
        work: what each does, by name.
        rounds: how many rounds.
        said: is told of each run.

    Raises:
        BenchmarkError: a contender fails, or its answer is wrong.
    """
    values: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds):
        order = list(work) if number % 2 == 0 else list(work)[::-1]
        for name in order:
            said(f"round {number + 1} of {rounds}: {name}")
            values[name].append(work[name]())
    return {name: figure_of(each) for name, each in values.items()}
