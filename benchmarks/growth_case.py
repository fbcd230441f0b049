"""Growth case: how much history, how many coins and how many cores one run of the growth benchmark has."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

_DAYS: Final = (0, 30, 365)
_COINS: Final = (10, 1_000, 10_000)
_CORES: Final = (1, 2)
#: The quick form has so many days and coins of these, and all cores alone.
_QUICK: Final = 2


@dataclass(frozen=True)
class Case:
    """One run."""

    days: int
    coins: int
    cores: int

    def __str__(self) -> str:
        """Name it."""
        return ", ".join(_counted(value, what) for what, value in vars(self).items())


def series_of(cores: int, *, is_quick: bool) -> dict[str, dict[str, Case]]:
    """Give the cases by the series and by what changes in it, the smallest first; one of them is in each series.

    Args:
        cores: how many there are.
        is_quick: leave out what takes longest.
    """
    days, coins = (values[:_QUICK] if is_quick else values for values in (_DAYS, _COINS))
    usual = Case(days[0], coins[1], cores)
    series = {"history": _series(usual, "days", days), "coins": _series(usual, "coins", coins)}
    if not is_quick:
        series["cores"] = _series(usual, "cores", sorted({*(each for each in _CORES if each < cores), cores}))
    return series


def _series(usual: Case, what: str, values: Iterable[int]) -> dict[str, Case]:
    return {_counted(value, what): replace(usual, **{what: value}) for value in values}


def _counted(value: int, what: str) -> str:
    return f"{value:,} {what[:-1] if value == 1 else what}"
