"""Audit prices: settings -> session -> repair(audit(ticks, bars, files)).

Submit it with spark-submit jobs/audit_prices.py --config conf/local.yaml
"""

import sys
from typing import Annotated

import typer

from jobs.audit import run_audit
from jobs.audit_scope import parse_dates
from jobs.settings_file import read_settings
from pricestream.cli import exit_code_of, start_logging

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    config: Annotated[str, typer.Option(help="The settings file, such as conf/local.yaml or s3://bucket/key.")],
    first: Annotated[str | None, typer.Option("--from", help="The first UTC date, such as 2026-01-01.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="The first date left out.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Repair what is found, then look again.")] = False,
    json: Annotated[str | None, typer.Option("--json", help="Not audit.json beside job.status_file.")] = None,
    alone: Annotated[bool, typer.Option("--alone", help="The stream does not run, whatever its status says.")] = False,
    sets: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, over the file.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Prove that nothing is missing and that bars and files are what the ticks make, while the stream runs or not.

    Exit codes: 0 all holds, 6 something is missing or differs, 1 Spark failed, 2 a wrong setting or date, 4 the
    stream is missing or denied, 5 the lake cannot be used.
    """
    start_logging(verbose=verbose)

    def work() -> None:
        dates = parse_dates(first, end)
        run_audit(read_settings(config, sets or []), dates, repair=repair, alone=alone, document=json)

    sys.exit(exit_code_of(work))


if __name__ == "__main__":
    app()
