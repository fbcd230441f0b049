"""Reach: which windows of each interval follow from a change of base bars, and what must be read for them.

Plain arithmetic. All times are epoch seconds, UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from pricestream.interval import interval_seconds

#: A window that fills is made anew so many times until it closes, or a few more: whenever one of the longest interval
#: closes that goes into it at least as often.
_STEPS_OF_FILLING: Final = 12


@dataclass(frozen=True)
class Frame:
    """The windows of one interval, by their starts; every end is exclusive."""

    interval: str
    #: Length of a window.
    seconds: int
    #: The first window that is read: what the changed ones look back at begins here.
    context: int
    #: The windows that are made anew.
    made_from: int
    made_to: int
    #: Up to here windows change, because they look back at those.
    changed_to: int


@dataclass(frozen=True)
class Reach:
    """A change of base bars: those whose windows lie in ``[first, end)``."""

    first: int
    end: int
    #: Every window that ends here or before is closed: nothing more comes into it. No row that is final already may
    #: lie behind it, or that row would be made without what it looks back at.
    closed: int
    #: What lies behind ``end`` will be made in a next step, so it need not be looked at now.
    is_followed: bool = False
    #: Gaps are told up to here; None is up to ``closed``. A stream that catches up may still fill those behind.
    gaps_to: int | None = None
    #: Windows that fill are not made anew with each base bar, but in steps. A day's would be read from all bars of the
    #: day so far, each minute.
    is_in_steps: bool = False

    @property
    def told_to(self) -> int:
        """Up to here it is told which coins had no tick."""
        return self.closed if self.gaps_to is None else self.gaps_to

    def frames(self, intervals: Sequence[str], *, lookback: int) -> tuple[Frame, ...]:
        """Work out the frame of each interval; where windows fill in steps, of those that are to be made anew.

        Where none of the windows made is closed there is only a filling one, which has no indicators:
        nothing before or behind it is looked at.

        Args:
            intervals: the base interval and the longer ones.
            lookback: how many windows, its own included, a bar looks at.
        """
        lengths = [interval_seconds(each) for each in intervals]
        return tuple(
            self._frame(interval, lookback)
            for interval, seconds in zip(intervals, lengths, strict=True)
            if not self.is_in_steps or self._is_due(seconds, lengths)
        )

    def _is_due(self, seconds: int, lengths: Sequence[int]) -> bool:
        base = min(lengths)
        steps = [each for each in lengths if seconds % each == 0 and seconds >= _STEPS_OF_FILLING * each]
        step = max(steps, default=base)
        return step == base or self._closes(step)

    def _closes(self, seconds: int) -> bool:
        """Tell whether a window of this length closes with the change, or had closed before it."""
        return self.first // seconds * seconds + seconds <= self.closed

    def _frame(self, interval: str, lookback: int) -> Frame:
        seconds = interval_seconds(interval)
        made_from = self.first // seconds * seconds
        made_to = -(-self.end // seconds) * seconds
        looked_at = (lookback - 1) * seconds if self._closes(seconds) else 0
        behind = 0 if self.is_followed else looked_at
        return Frame(interval, seconds, made_from - looked_at, made_from, made_to, made_to + behind)


@dataclass(frozen=True)
class Span:
    """The windows of one interval that start in ``[first, end)``."""

    interval: str
    first: int
    end: int


def base_alone(frames: Sequence[Frame]) -> tuple[Frame, ...]:
    """Give the frame of the base interval, so that nothing else is made."""
    return tuple(frames[:1])


def longer_alone(frames: Sequence[Frame]) -> tuple[Frame, ...]:
    """Give the frames with nothing made of the base interval, whose bars are stored; empty where nothing is longer."""
    base, *longer = frames
    nothing = replace(base, context=base.made_from, made_to=base.made_from, changed_to=base.made_from)
    return (nothing, *longer) if longer else ()


def made_spans(frames: Sequence[Frame]) -> tuple[Span, ...]:
    """Give the windows that may come out otherwise than they are stored."""
    spans = (Span(each.interval, each.made_from, each.changed_to) for each in frames)
    return tuple(each for each in spans if each.first < each.end)


def behind_spans(frames: Sequence[Frame]) -> tuple[Span, ...]:
    """Give the windows that are only looked back at."""
    return tuple(Span(each.interval, each.context, each.made_from) for each in frames if each.context < each.made_from)


def beside_spans(frames: Sequence[Frame]) -> tuple[Span, ...]:
    """Give the windows of the base interval that are not made themselves, but lie in longer ones that are.

    Args:
        frames: of all intervals, that of the base first.
    """
    base, *longer = frames
    first = min((each.made_from for each in longer), default=base.made_from)
    end = max((each.made_to for each in longer), default=base.changed_to)
    spans = (Span(base.interval, first, base.made_from), Span(base.interval, base.changed_to, end))
    return tuple(each for each in spans if each.first < each.end)


def read_spans(frames: Sequence[Frame]) -> tuple[Span, ...]:
    """Give the windows that must be read: what is made, what it looks back at, and all that longer ones hold.

    Args:
        frames: of all intervals, that of the base first.
    """
    base, *longer = frames
    first = min([base.context, *(each.made_from for each in longer)])
    end = max([base.changed_to, *(each.made_to for each in longer)])
    return (Span(base.interval, first, end), *(Span(each.interval, each.context, each.changed_to) for each in longer))
