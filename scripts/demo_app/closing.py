"""The last words of a demo: the table of coins, the counts, and where everything is."""

import math
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scripts.demo_app.place import Place
from scripts.demo_app.reports import JobReport
from scripts.demo_app.results import CoinResult


def coin_table(results: Sequence[CoinResult], interval: str) -> Table:
    """Lay out the coins, one a row; a column for ticks without a final bar only where there are any."""
    table = Table(title=f"Bars of {interval}", title_justify="left")
    table.add_column("coin")
    has_open = any(result.open_ticks for result in results)
    for heading in ("last close", "change", "bars", "ticks", *(["not final yet"] if has_open else [])):
        table.add_column(heading, justify="right")
    for result in results:
        change = "" if result.change_pct is None else f"{result.change_pct:+.2f} %"
        row = [f"{result.coin_id}/{result.vs_currency}", price(result.last), change]
        counts = [result.bars, result.ticks, *([result.open_ticks] if has_open else [])]
        table.add_row(*row, *(f"{count:,}" for count in counts))
    return table


def price(value: float) -> str:
    """Write a price with six digits that matter, and never as a power of ten."""
    if value >= 1000:
        return f"{value:,.2f}"
    decimals = 5 - math.floor(math.log10(value))
    return f"{value:.{decimals}f}"


def counts_line(job: JobReport, seconds: float) -> str:
    """Sum up the records and what came of them.

    Args:
        job: the job's last report.
        seconds: how long the demo took.
    """
    counts = job.counts
    return (
        f"{counts['ok']:,} ticks accepted, {counts['late']:,} late, {counts['rejected']:,} rejected, "
        f"{counts['heartbeat']:,} heartbeats; {job.bars:,} bars in {job.csv_files} CSV files; {seconds:.0f} s in all"
    )


def close(
    console: Console, place: Place, results: Sequence[CoinResult], interval: str, job: JobReport, seconds: float
) -> None:
    """Print it all."""
    if results:
        console.print(coin_table(results, interval))
    else:
        _say(console, "No tick has arrived.")
    if results and not any(result.bars for result in results):
        _say(console, "No bar is final yet: a bar waits for ticks that may still come.")
    _say(console, counts_line(job, seconds))
    csv = shown(place.csv)
    _say(console, f"\nCSV     {csv}")
    if place.report.exists():
        _say(console, f"Report  {shown(place.report)}")
    _say(console, f"Logs    {shown(place.root / 'logs')}")
    _say(console, f"DuckDB  from read_csv('{csv}/*/*/*/bars.csv', hive_partitioning = true)")
    _say(console, f"pandas  pd.concat(map(pd.read_csv, pathlib.Path('{csv}').rglob('bars.csv')))")


def shown(path: Path) -> str:
    """Write a path as short as it can be from where the person is."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
