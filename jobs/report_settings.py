"""Report settings: what the page says of the run, and of what it leaves out."""

from pathlib import PurePosixPath

from jobs.report_number import format_duration
from pricestream.producer_settings import ProducerSettings
from pricestream.settings import Settings


def run_settings(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Name the settings that the numbers on the page depend on."""
    stream, producer, job = settings.stream, settings.producer, settings.job
    return (
        ("Source", producer.source),
        ("Poll period", f"{producer.poll_seconds:g} s"),
        ("Coins", f"{len(producer.coins):,}"),
        ("Currencies", ", ".join(producer.vs_currencies)),
        ("Stream", stream.name),
        ("Kinesis", "stand-in" if stream.endpoint_url else stream.region),
        ("Connector", job.kinesis.connector),
        ("Starting position", job.kinesis.starting_position),
        ("Base interval", job.base_interval),
        ("Allowed lateness", format_duration(job.allowed_lateness_seconds)),
        ("Watermark delay", format_duration(job.watermark_seconds)),
        ("Trigger", f"{job.trigger_seconds:g} s"),
        ("Shuffle partitions", f"{job.spark.shuffle_partitions:,}"),
        ("CSV", job.csv),
    )


def source_detail(producer: ProducerSettings) -> str:
    """Name what tells one run of a source from another; empty for a live one."""
    if producer.source == "simulated":
        return f"seed {producer.simulated.seed}"
    if producer.source == "replay" and producer.replay.path:
        # The name alone: the folders are nobody's business who is given the page.
        return PurePosixPath(producer.replay.path).name
    return ""


def omissions(*, others: int, older_bars: int, windows: int) -> tuple[str, ...]:
    """Say what the table holds and the page does not.

    Args:
        others: coins, each in one currency, that have bars in the windows shown and are left out.
        older_bars: bars before those windows.
        windows: how many windows are shown at most.
    """
    notes = []
    if older_bars:
        notes.append(f"Shown are the newest {windows:,} windows; older bars in the table: {older_bars:,}.")
    if others:
        notes.append(f"Coins with bars in these windows that are not shown: {others:,}.")
    return tuple(notes)
