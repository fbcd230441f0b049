"""Backfill prices: settings -> session -> sink(window(ticks of a range)).

Submit it with spark-submit jobs/backfill_prices.py --config conf/local.yaml --from 2026-01-01 --to 2026-02-01
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from jobs.backfill import Range, run_backfill
from pricestream.cli import exit_code_of, start_logging
from pricestream.config import load_settings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    config: Annotated[Path, typer.Option(help="The settings file, such as conf/local.yaml.")],
    first: Annotated[str, typer.Option("--from", help="The first day, UTC, such as 2026-01-01.")],
    end: Annotated[str, typer.Option("--to", help="The day behind the last one.")],
    coins: Annotated[list[str] | None, typer.Option(help="Only this coin; may be given several times.")] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, over the file.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Make the bars and CSV files of a range anew from the ticks table, while the stream runs or not.

    Exit codes: 0 done, 1 Spark failed, 2 a wrong setting, 5 the lake cannot be used.
    """
    start_logging(verbose=verbose)

    def work() -> None:
        run_backfill(load_settings(config, overrides or []), Range.parse(first, end), coins or [])

    sys.exit(exit_code_of(work))


if __name__ == "__main__":
    app()
