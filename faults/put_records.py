"""Kinesis refuses entries and loses answers while the producer sends."""

from threading import Event
from typing import Final

from coingecko.clock import VirtualClock
from faults.drill import Drill, Outcome, Task
from faults.meddling import PutRecordsTrouble
from faults.producer_parts import run_loop, settings_of
from faults.producer_process import replay_of, write_recording
from faults.proxy import Proxy
from faults.stand_in import create_stream, kinesis_client, run_stand_in
from faults.stream_content import Content, read_stream
from producer.replay import ReplaySource
from producer.sink import KinesisSink

_STREAM: Final = "refusing"
_SHARDS: Final = 3


def run(task: Task) -> Outcome:
    """Send a recording of ``task.count`` trades through the trouble; the producer's pauses take no time."""
    expected = write_recording(task.place / "trades.csv", task.count, task.rng)
    settings = settings_of(replay_of(task.place / "trades.csv", speed=0), _STREAM)
    trouble = PutRecordsTrouble(task.rng)
    clock = VirtualClock(0)
    with run_stand_in(task.place) as url, Proxy(url, trouble) as proxy:
        create_stream(kinesis_client(url), _STREAM, _SHARDS)
        sink = KinesisSink(kinesis_client(proxy.url), settings.stream, clock, task.rng)
        source = ReplaySource(settings, Event())
        summary = run_loop(settings, task.place / "state", source, sink, clock, task.rng)
        content = Content.of(read_stream(kinesis_client(url), _STREAM))
    counts = dict(trouble.counts) | {"records on the stream": content.records, "sent twice": content.sent_twice}
    broken = content.broken("p", summary.seq, expected)
    if (summary.sent, summary.spooled) != (summary.seq, 0):
        broken.append(f"the producer says that it sent {summary.sent:,} of {summary.seq:,}")
    return Outcome(counts, tuple(broken))


DRILL: Final = Drill(
    name="put-records",
    fault="Kinesis refuses 30% of the entries of each PutRecords, and 10% of its answers are lost",
    run=run,
    unit="records",
    short=5_000,
    full=100_000,
)
