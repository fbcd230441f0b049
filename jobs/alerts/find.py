"""Find: the bars in which something has happened by a rule. A function of the bars alone, so it can be done again."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as f

from jobs.alerts.event import Event, bar_event
from jobs.frame_columns import span_condition
from jobs.reach import Span
from jobs.schema import SERIES
from jobs.tables import read_bars
from pricestream.alert_settings import AlertRule
from pricestream.interval import interval_seconds
from pricestream.job_settings import JobSettings


def events_between(spark: SparkSession, job: JobSettings, *, after_s: int, through_s: int) -> list[Event]:
    """Look at the closed bars of windows that end in ``(after_s, through_s]``, epoch seconds; in their order."""
    rules = bar_rules(job)
    if not rules:
        return []
    intervals = sorted({_interval(rule, job) for rule in rules})
    # The bar before may lie a few windows back.
    spans = [
        Span(name, after_s - interval_seconds(name) * job.indicators.lookback_bars, through_s) for name in intervals
    ]
    bars = read_bars(spark, job).filter(span_condition(spans))
    found = matches(bars, rules, base_interval=job.base_interval, after_s=after_s, through_s=through_s)
    by_name = {rule.name: rule for rule in rules}
    rows = (row.asDict() for row in found.orderBy("end_s", "rule", *SERIES).collect())
    return [bar_event(by_name[row["rule"]], row) for row in rows]


def bar_rules(job: JobSettings) -> list[AlertRule]:
    """Give the rules that are about bars."""
    return [rule for rule in job.alerts.rules if rule.when != "lag"]


def matches(
    bars: DataFrame, rules: Sequence[AlertRule], *, base_interval: str, after_s: int, through_s: int
) -> DataFrame:
    """Name the rule by each bar that it is about.

    Args:
        bars: columns of :data:`jobs.schema.BARS`; some windows before ``after_s`` too.
        rules: about bars, at least one.
        base_interval: what a rule without an interval is about.
        after_s: windows that end later are looked at, epoch seconds.
        through_s: and those that end here or before.

    Returns:
        ``rule``, ``coin_id``, ``vs_currency``, ``interval``, ``start_s``, ``end_s`` (epoch seconds), ``close`` and
        ``return_pct``.
    """
    in_order = Window.partitionBy(*SERIES).orderBy("window_start")
    before = in_order.rowsBetween(Window.unboundedPreceding, -1)
    end = f.unix_seconds("window_end")
    final = bars.filter("is_final").select(
        *SERIES,
        f.unix_seconds("window_start").alias("start_s"),
        end.alias("end_s"),
        "close",
        "return_pct",
        "anomaly",
        "stale",
        # A gap has no price, and leaves the one before as it was.
        f.last("close", ignorenulls=True).over(before).alias("close_before"),
        f.lag("stale").over(in_order).alias("stale_before"),
    )
    recent = final.filter(f.col("end_s").between(after_s + 1, through_s))
    named = f.array_compact(f.array(*(f.when(_is_met(rule, base_interval), f.lit(rule.name)) for rule in rules)))
    return recent.select(f.explode(named).alias("rule"), *SERIES, "start_s", "end_s", "close", "return_pct")


def _is_met(rule: AlertRule, base_interval: str) -> Column:
    is_ours = f.col("interval") == (rule.interval or base_interval)
    if rule.coins:
        is_ours &= f.col("coin_id").isin(rule.coins)
    if rule.vs_currency:
        is_ours &= f.col("vs_currency") == rule.vs_currency
    close, before, value = f.col("close"), f.col("close_before"), rule.value or 0.0
    conditions = {
        "above": (close > value) & (before.isNull() | (before <= value)),
        "below": (close < value) & (before.isNull() | (before >= value)),
        "change": f.abs("return_pct") >= value,
        "anomaly": f.col("anomaly"),
        "stale": f.col("stale") & ~f.coalesce("stale_before", f.lit(False)),
    }
    return is_ours & conditions[rule.when]


def _interval(rule: AlertRule, job: JobSettings) -> str:
    return rule.interval or job.base_interval
