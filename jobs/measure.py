"""Measure: what executors run to fill in indicators: batches of rows in, of one partition and in order, and out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from pyspark.sql import types as t

from jobs import formula
from jobs.batches import Batches
from jobs.runs import Flags, Floats, Integers
from jobs.schema import BARS, SERIES
from jobs.seen_bars import SeenBars, flags, integers, nothing_seen, seen_bars, series_of
from pricestream.indicator_settings import IndicatorSettings

#: The columns of a row that comes out.
MEASURED: Final = t.StructType([*BARS, t.StructField("is_ours", t.BooleanType())])


def measuring(settings: IndicatorSettings) -> Callable[[Batches], Batches]:
    """Make the function.

    Its batches have the columns of :func:`jobs.indicators.with_indicators` and ``is_made``, and those it gives
    :data:`MEASURED`, of the rows that are made. A series lies in one partition, its rows next to each other and the
    oldest first; where a batch ends in the midst of one, what the next looks back at is carried over.
    """

    def measure(batches: Batches) -> Batches:
        carried, before = nothing_seen(), None
        for batch in batches:
            if not batch.num_rows:
                continue
            series, number = series_of(batch, before), integers(batch.column("number"))
            seen = (carried if series[0] == 0 else nothing_seen()).followed_by(seen_bars(batch, series))
            is_made = flags(batch.column("is_made"))
            made = batch.filter(pa.array(is_made))
            if made.num_rows:
                yield _measured(made, _Rows(series[is_made], number[is_made], seen, settings))
            carried = seen.tail(int(series[-1]), int(number[-1]) - settings.lookback_bars)
            before = tuple(batch.column(name)[-1].as_py() for name in SERIES)

    return measure


@dataclass(frozen=True)
class _Rows:
    """Rows that are made, and what they look back at."""

    series: Integers
    number: Integers
    seen: SeenBars
    settings: IndicatorSettings

    def stretches(self) -> tuple[Integers, Integers]:
        """Give where among the bars begins what each row looks back at, and where it ends."""
        before = self.seen.place(self.series, self.number - self.settings.lookback_bars)
        return before, self.seen.place(self.series, self.number)


def _measured(made: pa.RecordBatch, rows: _Rows) -> pa.RecordBatch:
    first, end = rows.stretches()
    is_final = flags(made.column("is_final"))
    # A row that is none of a closed bar tells nothing of its closes, and costs no formula.
    is_told = is_final & ~flags(made.column("gap"))
    with np.errstate(invalid="ignore"):
        told = _of_closes(rows, first[is_told], end[is_told])
        is_stale = _is_stale(rows, first, end, integers(made.column("window_end")))
    columns = {name: _nullable(values, is_told) for name, values in told.items()}
    columns["anomaly"] = columns["anomaly"].cast(pa.bool_())
    columns["stale"] = _nullable(is_stale[is_final], is_final).cast(pa.bool_())
    arrays = [columns[name] if name in columns else made.column(name) for name in MEASURED.names]
    return pa.RecordBatch.from_arrays(arrays, names=MEASURED.names)


def _of_closes(rows: _Rows, first: Integers, end: Integers) -> dict[str, Floats]:
    seen, settings = rows.seen, rows.settings
    closes, returns = seen.between(first, end)
    average = formula.sma(closes, settings.bars)
    half = settings.bollinger_width * formula.deviation(closes, average, settings.bars)
    score = formula.robust_z(returns, settings.anomaly_bars)
    own = end - 1
    is_adjacent = (closes.length > 1) & (seen.number[own] - seen.number[own - 1] == 1)
    return {
        "log_return": np.where(is_adjacent, seen.log_return[own], np.nan),
        "sma": average,
        "ema": formula.ema(closes, settings.bars),
        "bollinger_lower": average - half,
        "bollinger_upper": average + half,
        "rsi": formula.rsi(closes, settings.rsi_bars),
        "anomaly": np.where(np.isnan(score), np.nan, score > settings.anomaly_score),
    }


def _is_stale(rows: _Rows, first: Integers, end: Integers, window_end: Integers) -> Floats:
    """Tell 1 of a row that is stale, 0 of one that is not, NaN where there were not two ticks at two times."""
    seen, count = rows.seen, rows.seen.series.size
    place = np.arange(count)
    # At each place the next bar that knows of ticks, and the last one before it.
    following = np.minimum.accumulate(np.append(np.where(seen.has_ticks, place, count), count)[::-1])[::-1]
    latest = np.maximum.accumulate(np.append(-1, np.where(seen.has_ticks, place, -1)))
    total = np.append(0, np.cumsum(seen.tick_count))
    ticks = total[end] - total[first]
    first_tick, last_tick = seen.first_tick[np.minimum(following[first], count - 1)], seen.last_tick[latest[end]]
    is_known = (following[first] < end) & (ticks > 1) & (last_tick > first_tick)
    spacing = (last_tick - first_tick) / np.where(is_known, ticks - 1, 1)
    return np.where(is_known, window_end - last_tick > rows.settings.stale_spacings * spacing, np.nan)


def _nullable(values: Floats, is_there: Flags) -> pa.Array:
    """Put values into the rows that have one; NaN and every other row is null."""
    whole = np.full(is_there.size, np.nan)
    whole[is_there] = values
    return pa.array(whole, mask=np.isnan(whole))
