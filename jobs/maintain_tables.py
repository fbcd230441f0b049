"""Maintain tables: settings -> session -> tidy(ticks, bars).

Submit it with spark-submit jobs/maintain_tables.py --config conf/local.yaml
"""

import sys
from typing import Annotated

import typer

from jobs.maintain import run_maintain
from jobs.settings_file import read_settings
from pricestream.cli import exit_code_of, start_logging

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    config: Annotated[str, typer.Option(help="The settings file, such as conf/local.yaml or s3://bucket/key.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    alone: Annotated[bool, typer.Option("--alone", help="The stream does not run, whatever its status says.")] = False,
    sets: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, over the file.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Delete old ticks and bars, pack small files, and remove replaced ones, while the stream runs or not.

    Exit codes: 0 done, 1 Spark failed, 2 a wrong setting, 5 the lake cannot be used.
    """
    start_logging(verbose=verbose)
    sys.exit(exit_code_of(lambda: run_maintain(read_settings(config, sets or []), alone=alone, dry_run=dry_run)))


if __name__ == "__main__":
    app()
