"""What a job takes is counted as it is: also in the moment in which it starts a program."""

import multiprocessing
import os
from pathlib import Path

from faults.batch_time import BatchTime, read_timing
from faults.vitals import Vitals, processes
from pricestream.metric import BARS_BATCH_TIME, CONSUMER_LAG, PIPELINE, Reading
from pricestream.prometheus import Exposition, PrometheusServer

MIB = 2**20


def look(tmp_path: Path, group: int) -> Vitals:
    vitals = Vitals(group=lambda: group, state=tmp_path, lag=lambda: 0, batch_seconds=lambda: 0.5)
    with vitals:
        while not vitals.samples:
            vitals._ended.wait(0.05)
    return vitals


def _hold(pipe: "multiprocessing.connection.Connection", path: str) -> None:
    """As a JVM does: a session of its own, much memory, a file, and a copy of itself."""
    os.setsid()
    ballast = bytearray(os.urandom(MIB)) * 100
    with Path(path).open("rb"):
        child = os.fork()
        if not child:
            signal_read, _ = os.pipe()
            os.read(signal_read, 1)
        pipe.send((os.getpid(), child))
        pipe.recv()
        os.kill(child, 9)
        os.waitpid(child, 0)
    del ballast


def test_a_copy_of_a_process_counts_what_it_shares_once(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_bytes(b"x" * MIB)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_hold, args=(theirs, str(state)))
    process.start()
    group, child = ours.recv()
    try:
        assert sorted(processes(group)) == sorted([group, child])
        sample = look(tmp_path, group).samples[0]
    finally:
        ours.send("enough")
        process.join(30)
    # Twice a hundred, were it counted for each.
    assert 100 < sample.memory_mib < 180
    # Its own, the pipes, and one file; the copy has but one pipe more.
    assert sample.open_files < 14
    assert sample.state_mib == 1
    assert sample.batch_seconds == 0.5


def test_batch_times_are_those_since_the_last_look() -> None:
    exposition = Exposition()
    server = PrometheusServer(exposition, 0)
    try:
        batch = BatchTime(int(server.url.split(":")[2].partition("/")[0]))
        assert batch.seconds() == 0.0
        for times, mean in (([1000.0, 3000.0], 2.0), ([500.0], 0.5), ([], 0.5)):
            exposition.take([Reading(0, {PIPELINE: "prices"}, {BARS_BATCH_TIME: times, CONSUMER_LAG: 7.0})])
            assert batch.seconds() == mean
    finally:
        server.close()
    # The job is gone; what was last known stays.
    assert batch.seconds() == 0.5


def test_a_text_without_batches_has_none() -> None:
    assert read_timing("") == (0.0, 0.0)
    assert read_timing("pricestream_bars_batch_time_seconds_sum 3\n") == (0.0, 0.0)
