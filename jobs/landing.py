"""Landing: rows that did not come through the stream are added to ``ticks``, each once however often it is tried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame, SparkSession

from pricestream.settings import Settings


@dataclass(frozen=True)
class Landed:
    """What became of the rows."""

    #: How many were added, and how many of each status.
    rows: int
    by_status: Mapping[str, int]
    #: How many were not, because ``ticks`` had them already or they came twice.
    already_there: int
    #: The first and the last event among all that were not rejected, epoch seconds; None without any. Those that were
    #: there already count too: a run that was interrupted before its bars were made is made up for by the next.
    first_s: int | None
    last_s: int | None
    #: The UTC dates of those events.
    dates: frozenset[date]


def land(parsed: DataFrame, settings: Settings, *, added_by: str) -> Landed:
    """Judge rows, and add to ``ticks`` those that it lacks.

    There already is a row with the same coin, currency and ``tick_id`` on the same date that was not rejected; where
    this one is rejected, a rejected one with the same payload and ``added_by``.

    Args:
        parsed: columns of :data:`jobs.schema.PARSED`.
        settings: where the table is, and from when on a tick is late.
        added_by: marks the rows, so that the stream of bars passes over them.
    """
    raise NotImplementedError


def take_in_late(
    spark: SparkSession, settings: Settings, *, start_s: int, end_s: int, coins: Sequence[str] | None
) -> Landed:
    """Accept late ticks: add a copy of each that is not accepted yet, with ``reason`` :data:`jobs.schema.TAKEN_IN`.

    Args:
        spark: the session.
        settings: where the table is.
        start_s: from here on (epoch seconds), by the tick's event,
        end_s: to before here.
        coins: only these; None takes all.
    """
    raise NotImplementedError
