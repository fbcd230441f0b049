"""Backfill prices: settings -> session -> sink(window(ticks of a range)).

Submit it with spark-submit jobs/backfill_prices.py --config conf/local.yaml --from 2026-01-01 --to 2026-02-01
"""

import sys
from typing import Annotated, Literal

import typer

from jobs.backfill import Order, run_backfill
from jobs.days import Range
from jobs.settings_file import read_settings
from pricestream.cli import exit_code_of, start_logging

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    config: Annotated[str, typer.Option(help="The settings file, such as conf/local.yaml or s3://bucket/key.")],
    first: Annotated[str, typer.Option("--from", help="The first day, UTC, such as 2026-01-01.")],
    end: Annotated[str, typer.Option("--to", help="The day behind the last one.")],
    source: Annotated[str, typer.Option(help="ticks (what is there already), coingecko or files.")] = "ticks",
    path: Annotated[
        str | None, typer.Option(help="Files of ticks or candles: a file, folder or glob, or on S3.")
    ] = None,
    coins: Annotated[list[str] | None, typer.Option(help="Only this coin; may be given several times.")] = None,
    coin_id: Annotated[str | None, typer.Option(help="Whose prices the files hold, where they do not say.")] = None,
    vs_currency: Annotated[str | None, typer.Option(help="In which currency, where they do not say.")] = None,
    candle_interval: Annotated[str | None, typer.Option(help="How long the candles are, if it does not show.")] = None,
    candle_stamp: Annotated[Literal["start", "end"], typer.Option(help="Which end a candle's time is.")] = "start",
    include_late: Annotated[bool, typer.Option(help="Take in ticks that the stream set aside as late.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Only say what fetching from CoinGecko would take.")] = False,
    alone: Annotated[bool, typer.Option(help="The stream does not run, whatever its status file says.")] = False,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, over the file.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Take history into the ticks table, and make the bars and CSV files of a range anew, while the stream runs or not.

    Exit codes: 0 done, 1 Spark failed or fetching is not complete, 2 a wrong setting, 3 the source refuses or
    cannot be read, 5 the lake cannot be used.
    """
    start_logging(verbose=verbose)

    def work() -> None:
        days = Range.parse(first, end)
        order = Order(
            days,
            tuple(coins or ()),
            source=source,
            path=path,
            coin_id=coin_id,
            vs_currency=vs_currency,
            include_late=include_late,
            dry_run=dry_run,
            candle_interval=candle_interval,
            candle_stamp=candle_stamp,
            alone=alone,
        )
        run_backfill(read_settings(config, overrides or []), order)

    sys.exit(exit_code_of(work))


if __name__ == "__main__":
    app()
