"""Bar tree: bars in CSV files, read from whoever wrote them, and held against ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.errors import BenchmarkError

#: What names a bar.
KEY: Final = ("coin_id", "vs_currency", "window_start")
#: Must be the same to the last bit, or the last millisecond.
EXACT: Final = ("window_end", "open", "high", "low", "close", "tick_count", "first_tick_at", "last_tick_at")
#: Sums, which may differ in their last digits because they are added up in another order. So far apart at most,
#: in parts of the bar's mean: a price that is off by the last digit that doubles have is 1e-16 of it.
CLOSE: Final = ("mean", "stddev")
TOLERANCE: Final = 1e-9

_COLUMNS: Final = (*KEY, *EXACT, *CLOSE)
_TIMES: Final = ("window_start", "window_end", "first_tick_at", "last_tick_at")


@dataclass(frozen=True)
class Bars:
    """Bars of the base interval: the columns that every contender computes."""

    frame: pd.DataFrame

    def __len__(self) -> int:
        return len(self.frame)


def read_tree(root: Path, *, interval: str = "1m") -> Bars:
    """Read the files ``interval=…/date=…/hour=…/*.csv`` of an interval.

    Raises:
        BenchmarkError: there are none, one lacks a column, or a bar lies in the folder of another hour.
    """
    files = sorted(root.glob(f"interval={interval}/date=*/hour=*/*.csv"))
    if not files:
        raise BenchmarkError(f"{root}: holds no bars of {interval}")
    return Bars(pd.concat([_read(file) for file in files], ignore_index=True))


def _read(file: Path) -> pd.DataFrame:
    frame = pd.read_csv(file, float_precision="round_trip")
    lacking = [name for name in _COLUMNS if name not in frame.columns]
    if lacking:
        raise BenchmarkError(f"{file}: lacks {', '.join(lacking)}")
    frame = frame[list(_COLUMNS)].copy()
    for name in _TIMES:
        frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
    hour, date = (folder.name.partition("=")[2] for folder in (file.parent, file.parent.parent))
    begins = pd.Timestamp(f"{date}T{hour}:00:00Z")
    starts = frame["window_start"]
    if not ((starts >= begins) & (starts < begins + pd.Timedelta(hours=1))).all():
        raise BenchmarkError(f"{file}: holds bars of another hour")
    return frame


def compare(ours: Bars, theirs: Bars) -> list[str]:
    """Say in which ways two sets of bars differ, each with a bar as an example; nothing where they do not."""
    found = [f"{count} bars are there twice" for each in (ours, theirs) if (count := _repeated(each))]
    if found:
        return found
    both = ours.frame.merge(theirs.frame, on=list(KEY), how="outer", suffixes=("", "_theirs"), indicator=True)
    for side, said in (("left_only", "are ours alone"), ("right_only", "are theirs alone")):
        alone = both[both["_merge"] == side]
        if len(alone):
            found.append(f"{len(alone)} bars {said}, such as {_name(alone)}")
    shared = both[both["_merge"] == "both"]
    for name in EXACT:
        found += _differing(shared, name, shared[name] != shared[f"{name}_theirs"])
    for name in CLOSE:
        apart = (shared[name] - shared[f"{name}_theirs"]).abs()
        # Not greater than: what is no number is not close to anything.
        found += _differing(shared, name, ~(apart <= TOLERANCE * shared["mean"].abs()))
    return found


def require_equal(ours: Bars, theirs: Bars, contender: str) -> None:
    """Make sure that a contender's bars are ours.

    Raises:
        BenchmarkError: they are not.
    """
    if found := compare(ours, theirs):
        raise BenchmarkError(f"{contender}: its bars are not ours: {'; '.join(found)}")


def _repeated(bars: Bars) -> int:
    return int(np.count_nonzero(bars.frame.duplicated(list(KEY))))


def _differing(shared: pd.DataFrame, name: str, differs: "pd.Series[bool]") -> Sequence[str]:
    bad = shared[differs]
    if not len(bad):
        return []
    first = bad.iloc[0]
    example = f"{_name(bad)} with {first[name]} and {first[f'{name}_theirs']}"
    return [f"{name} differs in {len(bad)} bars, such as {example}"]


def _name(frame: pd.DataFrame) -> str:
    first = frame.iloc[0]
    return f"{first['coin_id']} at {first['window_start'].isoformat()}"


@dataclass
class SameBars:
    """The bars that all contenders must make: those of the first one that has run."""

    first: Bars | None = None

    def check(self, contender: str, root: Path) -> None:
        """Read a contender's files.

        Raises:
            BenchmarkError: its bars are others than the first one's.
        """
        found = read_tree(root)
        if self.first is None:
            self.first = found
        else:
            require_equal(self.first, found, contender)

    def __len__(self) -> int:
        return len(self.first or ())
