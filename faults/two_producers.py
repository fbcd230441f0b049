"""Two producers under one name: on one folder of state, and each on a folder of its own."""

import time
from typing import TYPE_CHECKING, Final

from faults.drill import Drill, Outcome, Task
from faults.producer_process import ProducerProcess, replay_of, write_recording
from faults.stand_in import create_stream, kinesis_client, run_stand_in
from faults.stream_content import Content, read_stream
from pricestream.errors import StorageError

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient

_ROWS: Final = 300
#: About what the recording takes, in its own seconds.
_RECORDED_SECONDS: Final = 260
_SECONDS_A_START: Final = 2
_PATIENCE_SECONDS: Final = 60.0


def run(task: Task) -> Outcome:
    """Start a second producer ``task.count`` times on the first one's folder, and once on a folder of its own."""
    with run_stand_in(task.place) as url:
        client = kinesis_client(url)
        counts, broken = _one_folder(task, url, client)
        more, also_broken = _two_folders(task, url, client)
    return Outcome(counts | more, tuple(broken + also_broken))


def _one_folder(task: Task, url: str, client: "KinesisClient") -> tuple[dict[str, int], list[str]]:
    """The second is turned away at once, in one line, and the first one does not notice."""
    folder = task.place / "one-folder"
    folder.mkdir()
    create_stream(client, "one-folder")
    expected = write_recording(folder / "trades.csv", _ROWS, task.rng)
    # So slow that it still runs when the last of the others has come.
    replay = replay_of(folder / "trades.csv", speed=_RECORDED_SECONDS / (1 + _SECONDS_A_START * task.count))
    first = ProducerProcess(folder, url, "one-folder", producer=replay)
    running = first.start()
    broken: list[str] = []
    turned_away = 0
    _wait_until_sending(first)
    for number in range(1, task.count + 1):
        second = ProducerProcess(folder / f"second-{number}", url, "one-folder", producer=replay)
        second.folder.mkdir()
        second.state.symlink_to(first.state)
        ended = second.run()
        words = f"another producer (process {running.pid}) is using it"
        if ended.code == StorageError.exit_code and ended.is_one_line and words in ended.last_line:
            turned_away += 1
        else:
            broken.append(f"a second producer on one folder ended with {ended.code}: {ended.last_line}")
    if running.poll() is not None:
        broken.append("the first producer ended before the second came: nothing was proved")
    ended = first.wait(running)
    if ended.code != 0:
        broken.append(f"the first producer ended with {ended.code}: {ended.last_line}")
    content = Content.of(read_stream(client, "one-folder"))
    broken += content.broken("p", first.last_seq, expected)
    return {"second producers turned away": turned_away, "records on the stream": content.records}, broken


def _two_folders(task: Task, url: str, client: "KinesisClient") -> tuple[dict[str, int], list[str]]:
    """Nobody turns the second away: its ticks arrive all the same, and numbers stand for two records each.

    That it happened is what an audit says, which names every number that two different records carry.
    """
    create_stream(client, "two-folders")
    expected = set()
    last = []
    for name in ("first", "second"):
        folder = task.place / name
        folder.mkdir()
        expected |= write_recording(folder / "trades.csv", _ROWS, task.rng)
        producer = ProducerProcess(folder, url, "two-folders", producer=replay_of(folder / "trades.csv"))
        ended = producer.run()
        if ended.code != 0:
            return {}, [f"the {name} producer ended with {ended.code}: {ended.last_line}"]
        last.append(producer.last_seq)
    content = Content.of(read_stream(client, "two-folders"))
    broken = []
    if content.ticks != expected or content.torn:
        broken.append(f"of two producers {len(expected - content.ticks):,} ticks are not on the stream")
    if content.records != sum(last) or len(content.numbers) != max(last):
        broken.append(
            f"{content.records:,} records and {len(content.numbers):,} numbers are not those of two producers"
        )
    return {"numbers that two records carry": content.conflicts, "ticks of both": len(content.ticks)}, broken


def _wait_until_sending(producer: ProducerProcess) -> None:
    acked = producer.state / "spool" / "acked"
    until = time.monotonic() + _PATIENCE_SECONDS
    while not (acked.exists() and acked.read_bytes()) and time.monotonic() < until:
        time.sleep(0.01)


DRILL: Final = Drill(
    name="two-producers",
    fault="a second producer of the same name is started, on the first one's folder and on another",
    run=run,
    unit="starts",
    short=1,
    full=20,
)
