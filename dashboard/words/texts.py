"""What every language has a text for. What is in braces is filled in; a number comes as it is written there."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Texts:
    """The texts of one language."""

    language: str
    #: What separates decimals, and what thousands.
    decimal: str
    thousands: str

    title: str
    skip: str
    language_label: str
    live: str
    lost: str
    attribution: str

    health: str
    state: str
    states: dict[str, str]
    no_status: str
    no_status_hint: str
    silent: str
    settled: str
    closed_to: str
    lag: str
    other_clock: str
    nothing_closed: str
    said: str
    ago: str
    now: str
    batch: str
    no_batch: str
    batch_hint: str
    accepted: str
    accepted_hint: str
    late: str
    late_hint: str
    rejected: str
    rejected_hint: str
    stale_coins: str
    stale_hint: str
    none_stale: str

    coins: str
    search: str
    search_hint: str
    sort: str
    sorts: dict[str, str]
    found: str
    none_found: str
    pages: str
    previous: str
    following: str
    list_hint: str
    change_over: str
    stale: str
    row_label: str

    interval: str
    shown: str
    all_windows: str
    windows: str
    chart_label: str
    open: str
    high: str
    low: str
    close: str
    ticks: str
    average: str
    #: Two prices.
    bands: str
    to: str
    anomaly: str
    gap: str
    gaps: str
    bars: str
    change: str
    last_bars: str
    window: str
    marks: str
    zoom_hint: str
    chart_stale: str

    empty: str
    empty_hint: str
    no_series: str
    no_series_hint: str
    unreadable: str
    problem: str

    units: dict[str, str]
