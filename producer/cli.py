"""The command line of the producer."""

import os
import random
import signal
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from coingecko.clock import RealClock
from pricestream.aws_error import words_of
from pricestream.cli import exit_code_of, start_logging
from pricestream.config import load_settings
from pricestream.errors import StreamError
from pricestream.settings import Settings, StreamSettings
from producer.loop import Loop
from producer.metrics import producer_metrics
from producer.sender import Sender
from producer.sink import FETCH_ERRORS, KinesisSink
from producer.source import open_source
from producer.spool import Spool
from producer.state import open_state
from producer.summary import Summary, SummaryFile

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient

# Without locals in a traceback: they could show a key.
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    config: Annotated[Path, typer.Option(help="The settings file, such as conf/local.yaml.")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Lay a value over the settings file.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
) -> None:
    """Poll crypto prices and put them on the Kinesis stream, until the source ends or a signal comes.

    Exit codes: 0 done or stopped in good order, 2 a wrong setting, 3 the price source refuses, 4 the stream is
    missing or denied, 5 the state folder cannot be used.
    """
    start_logging(verbose=verbose)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    def work() -> None:
        run(load_settings(config, overrides or ()), stop)

    raise typer.Exit(exit_code_of(work))


def run(settings: Settings, stop: Event) -> Summary:
    """Run the producer that the settings describe until its source ends or ``stop`` is set.

    Raises:
        PricestreamError: something that a person must put right.
    """
    clock = RealClock()
    # Jitter only: nothing that is sent depends on it.
    rng = random.Random(os.urandom(8))  # noqa: S311
    producer = settings.producer
    with (
        open_state(Path(producer.state_dir), producer_id=producer.id, stream=settings.stream.name) as folder,
        Spool(folder / "spool", producer.spool.max_megabytes * 1_000_000) as spool,
        open_source(settings, folder, stop) as source,
    ):
        sink = KinesisSink(kinesis_client(settings.stream), settings.stream, clock, rng)
        sender = Sender(spool, sink, clock, stop, rng, create_stream=producer.create_stream)
        summary_file = SummaryFile(folder / "summary.json", clock)
        loop = Loop(settings, source, spool, sender, summary_file, clock, stop)
        with producer_metrics(settings, loop.summary, spool, sink):
            return loop.run()


def kinesis_client(stream: StreamSettings) -> "KinesisClient":
    """Make a client whose retries are off: the sink decides what is sent again.

    Raises:
        StreamError: the address, the region or the AWS profile is wrong.
    """
    try:
        return boto3.Session().client(
            "kinesis",
            region_name=stream.region,
            endpoint_url=stream.endpoint_url,
            config=Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1, "mode": "standard"}),
        )
    except FETCH_ERRORS as error:
        raise StreamError(words_of(error)) from None
    except BotoCoreError as error:
        raise StreamError(f"no client for stream {stream.name} in {stream.region}: {words_of(error)}") from None
    except ValueError:
        raise StreamError(
            f"stream.endpoint_url {stream.endpoint_url} is no address; write it such as http://127.0.0.1:4566"
        ) from None
