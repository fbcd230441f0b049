"""Testbed: what a job is run on in a drill. A stand-in for AWS, a proxy before it, and a lake on a disk or on S3."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from faults.checkout import LOCAL_SETTINGS
from faults.kinesis_stream import Stream
from faults.proxy import Proxy, pass_on
from faults.stand_in import kinesis_client, run_stand_in, s3_client
from pricestream.config import load_settings
from pricestream.settings import Settings

_BUCKET: Final = "lake"
_PLACES: Final = ("ticks", "bars", "csv", "checkpoint")


@dataclass(frozen=True)
class Testbed:
    """Where jobs of one drill run, all on one stand-in."""

    place: Path
    #: Where the stand-in itself is, for the drill's own calls.
    url: str
    #: What the job takes for AWS.
    proxy: Proxy

    # Not a test, whatever its name begins with.
    __test__ = False

    def stream(self, shards: int = 1) -> Stream:
        """Make a stream."""
        made = Stream(kinesis_client(self.url), self.proxy.url)
        made.create(shards)
        return made

    def settings(self, name: str, stream: Stream, *, on_s3: bool = False) -> tuple[Settings, list[str]]:
        """Settle where a job of that name reads and writes.

        Returns:
            The settings, and what makes them of those for a laptop.
        """
        root = f"s3a://{_BUCKET}/{name}" if on_s3 else str(self.place / name)
        files = self.place / name
        files.mkdir(parents=True, exist_ok=True)
        overrides = [
            *stream.overrides,
            *(f"job.{each}={root}/{each}" for each in _PLACES),
            f"job.stop_file={files}/STOP",
            f"job.status_file={files}/status.json",
            "job.report=null",
        ]
        if on_s3:
            # The shortest: a drill that kills would wait for it after every kill.
            lease = "job.s3.lease_seconds=1"
            overrides += [f"job.s3.endpoint_url={self.proxy.url}", "job.s3.path_style=true", lease]
        return load_settings(LOCAL_SETTINGS, overrides), overrides


@contextmanager
def run_testbed(place: Path) -> Iterator[Testbed]:
    """Start a stand-in and a proxy that passes everything on, and stop both at the end."""
    with run_stand_in(place) as url, Proxy(url, pass_on) as proxy:
        s3_client(url).create_bucket(Bucket=_BUCKET)
        yield Testbed(place, url, proxy)
