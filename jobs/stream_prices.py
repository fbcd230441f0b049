"""Stream prices: settings -> session -> sink(window(validate(parse(source)))).

Submit it with spark-submit jobs/stream_prices.py --config conf/local.yaml
"""

import sys
from typing import Annotated

import typer

from jobs.settings_file import read_settings
from jobs.stream_job import run_stream
from pricestream.cli import exit_code_of, start_logging

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    config: Annotated[str, typer.Option(help="The settings file, such as conf/local.yaml or s3://bucket/key.")],
    overrides: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, over the file.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Read the Kinesis stream and write ticks, bars and partitioned CSV until stopped.

    Exit codes: 0 stopped in good order, 1 a query failed, 2 a wrong setting, 4 the stream is missing or denied,
    5 the checkpoint is another stream's or the lake cannot be used.
    """
    start_logging(verbose=verbose)
    sys.exit(exit_code_of(lambda: run_stream(read_settings(config, overrides or []))))


if __name__ == "__main__":
    app()
