import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pricestream.errors import StorageError
from pricestream.tick import Tick
from producer.spool import Spool


def tick(seq: int, coin_id: str = "bitcoin") -> Tick:
    return Tick(coin_id, "usd", 100.0 + seq, 1_700_000_000_000 + seq, 1_700_000_000_000 + seq, "p", seq, "replay")


def ticks(first: int, count: int) -> list[Tick]:
    return [tick(seq) for seq in range(first, first + count)]


def open_spool(folder: Path, max_bytes: int = 10**9, segment_bytes: int = 600) -> Spool:
    return Spool(folder, max_bytes, segment_bytes=segment_bytes)


def test_ticks_come_back_in_order_as_they_went_in(tmp_path: Path) -> None:
    with open_spool(tmp_path) as spool:
        spool.append([tick(1, "bitcoin"), tick(2, "ethereum")])
        spool.append([tick(3, "aave")])
        records = spool.peek(10)
    assert [(record.seq, record.partition_key) for record in records] == [(1, "bitcoin"), (2, "ethereum"), (3, "aave")]
    assert json.loads(records[1].data)["price"] == 102.0
    assert b"\n" not in records[1].data


def test_the_next_number_outlives_an_empty_spool(tmp_path: Path) -> None:
    with open_spool(tmp_path) as spool:
        spool.append(ticks(1, 50))
        spool.ack(spool.peek(50)[-1].seq)
        assert spool.pending == 0
    with open_spool(tmp_path) as spool:
        assert spool.pending == 0
        assert spool.peek(1) == []
        assert spool.next_seq == 51


def test_a_number_may_be_neither_skipped_nor_repeated(tmp_path: Path) -> None:
    with open_spool(tmp_path) as spool:
        spool.append(ticks(1, 2))
        for wrong in (2, 4):
            with pytest.raises(ValueError, match="cannot follow 2"):
                spool.append([tick(wrong)])
        assert spool.next_seq == 3


def test_it_is_full_by_what_waits_and_no_longer_when_that_is_sent(tmp_path: Path) -> None:
    size = len(tick(1).to_json()) + 1
    with open_spool(tmp_path, max_bytes=10 * size) as spool:
        spool.append(ticks(1, 9))
        assert not spool.full
        spool.append(ticks(10, 1))
        assert spool.full
        spool.peek(5)
        spool.ack(1)
        assert not spool.full
    with open_spool(tmp_path, max_bytes=9 * size) as spool:
        assert spool.full


def test_files_go_when_all_in_them_is_acknowledged(tmp_path: Path) -> None:
    with open_spool(tmp_path) as spool:
        for seq in range(1, 101):
            spool.append([tick(seq)])
        many = len(list(tmp_path.glob("*.jsonl")))
        spool.peek(100)
        spool.ack(100)
        assert many > 10
        assert len(list(tmp_path.glob("*.jsonl"))) == 1


@pytest.mark.parametrize("tail", [b'{"v":1,"coin_id":"bit', b"\x00" * 40, b'{"v":1}\n', b"\x00\n\x00\n"])
def test_a_tail_that_was_half_written_is_cut_off(tmp_path: Path, tail: bytes) -> None:
    spool = open_spool(tmp_path, segment_bytes=10**6)
    spool.append(ticks(1, 3))
    [path] = tmp_path.glob("*.jsonl")
    with path.open("ab") as file:
        file.write(tail)
    with open_spool(tmp_path) as spool:
        assert spool.next_seq == 4
        spool.append([tick(4)])
        assert [record.seq for record in spool.peek(9)] == [1, 2, 3, 4]


def test_a_whole_tick_without_its_line_end_was_not_written_either(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, segment_bytes=10**6)
    spool.append(ticks(1, 3))
    [path] = tmp_path.glob("*.jsonl")
    os.truncate(path, path.stat().st_size - 1)
    with open_spool(tmp_path) as spool:
        assert spool.next_seq == 3


def test_a_number_that_was_sent_is_not_used_again_when_its_line_is_lost(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, segment_bytes=10**6)
    spool.append(ticks(1, 3))
    spool.peek(3)
    spool.ack(3)
    [path] = tmp_path.glob("*.jsonl")
    os.truncate(path, 10)
    with open_spool(tmp_path) as spool:
        assert spool.next_seq == 4
        assert spool.pending == 0


def test_damage_in_the_middle_is_an_error_and_not_a_gap(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, segment_bytes=10**6)
    spool.append(ticks(1, 3))
    [path] = tmp_path.glob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    for damaged in ([lines[0], b"#" * 9 + b"\n", lines[2]], [lines[0], lines[2]]):
        path.write_bytes(b"".join(damaged))
        with pytest.raises(StorageError, match="record 2 is damaged"):
            open_spool(tmp_path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    for seq in range(1, 21):
        spool.append([tick(seq)])
    paths = sorted(tmp_path.glob("*.jsonl"))
    gone = int(paths[1].stem), int(paths[2].stem) - 1
    paths[1].unlink()
    with pytest.raises(StorageError, match=f"records {gone[0]} to {gone[1]} are gone"):
        open_spool(tmp_path)


def test_damage_while_it_runs_is_an_error(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, segment_bytes=10**6)
    spool.append(ticks(1, 2))
    [path] = tmp_path.glob("*.jsonl")
    path.write_bytes(b"[]\n" * 2)
    with pytest.raises(StorageError, match="record 1 is damaged"):
        spool.peek(2)


def test_a_full_disk_leaves_no_half_tick_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = open_spool(tmp_path, segment_bytes=10**6)
    spool.append(ticks(1, 2))
    write, calls = os.write, []

    def half_then_full(descriptor: int, data: memoryview) -> int:
        calls.append(len(data))
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half_then_full)
    with pytest.raises(StorageError, match="No space left"):
        spool.append(ticks(3, 2))
    monkeypatch.undo()
    spool.append(ticks(3, 1))
    assert [record.seq for record in spool.peek(9)] == [1, 2, 3]
    spool.close()
    assert open_spool(tmp_path).next_seq == 4


@pytest.mark.parametrize("call", ["fsync", "pwrite"])
def test_a_disk_that_refuses_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    spool = open_spool(tmp_path)
    spool.append(ticks(1, 2))
    spool.peek(2)

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(StorageError, match="Input/output error"):
        spool.sync() if call == "fsync" else spool.ack(1)


def test_a_folder_that_cannot_be_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be used"):
        open_spool(tmp_path / "file" / "spool")


def test_more_than_5000_ticks_a_second(tmp_path: Path) -> None:
    polls = [ticks(first, 250) for first in range(1, 20_001, 250)]
    begin = time.process_time()
    with Spool(tmp_path, 10**9) as spool:
        for each in polls:
            spool.append(each)
            spool.sync()
            spool.ack(spool.peek(250)[-1].seq)
    # Measuring coverage costs half the speed and more.
    assert 20_000 / (time.process_time() - begin) > (2_000 if sys.gettrace() else 5_000)


class SpoolMachine(RuleBasedStateMachine):
    """The spool against a plain list, through crashes."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.spool = open_spool(self.folder)
        self.waiting: list[int] = []
        self.next_seq = 1

    @rule(count=st.integers(0, 12))
    def append(self, count: int) -> None:
        self.spool.append(ticks(self.next_seq, count))
        self.waiting += range(self.next_seq, self.next_seq + count)
        self.next_seq += count

    @rule(limit=st.integers(1, 15), part=st.floats(0, 1))
    def send(self, limit: int, part: float) -> None:
        self.spool.sync()
        seen = [record.seq for record in self.spool.peek(limit)]
        assert seen == self.waiting[:limit]
        acknowledged = seen[: round(part * len(seen))]
        if acknowledged:
            self.spool.ack(acknowledged[-1])
            self.waiting = self.waiting[len(acknowledged) :]

    @rule(torn=st.binary(max_size=30))
    def crash(self, torn: bytes) -> None:
        newest = max(self.folder.glob("*.jsonl"))
        with newest.open("ab") as file:
            # The beginning of the next tick, or a block that the disk never filled.
            file.write(tick(self.next_seq).to_json()[: len(torn)] if len(torn) % 2 else b"\x00" * len(torn))
        self._reopen()

    def _reopen(self) -> None:
        """Let go as a killed process does: no close, no sync."""
        os.close(self.spool._fd)
        os.close(self.spool._ack_fd)
        self.spool = open_spool(self.folder)

    @rule()
    def lose_the_position(self) -> None:
        (self.folder / "acked").write_bytes(b"")
        self._reopen()
        seen = [record.seq for record in self.spool.peek(10**6)]
        # Sent again: some, in order, and never less than what waited.
        assert seen == list(range(self.next_seq - len(seen), self.next_seq))
        assert len(seen) >= len(self.waiting)
        self.waiting = seen

    @invariant()
    def counts_agree(self) -> None:
        assert self.spool.next_seq == self.next_seq
        assert self.spool.pending == len(self.waiting)

    def teardown(self) -> None:
        self.spool.peek(10**6)
        if self.waiting:
            self.spool.ack(self.waiting[-1])
        assert self.spool.pending == 0
        assert self.spool._pending_bytes == 0
        self.spool.close()
        shutil.rmtree(self.folder)


TestSpoolMachine = SpoolMachine.TestCase
TestSpoolMachine.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.mark.parametrize(
    ("content", "waiting"),
    [
        (b"%020d\n" % 7, 2),  # as earlier versions wrote it
        (b"%020d %020d\n" % (7, 7), 2),
        (b"%020d %020d\n" % (8, 7), 2),  # torn: 7 was overwritten by 8 up to the middle
        (b"%020d %020d\n" % (7, 8), 2),
        (b"%020d" % 7, 2),
        (b"%020d %03d" % (7, 0), 9),
        (b"", 9),
        (b"7 x", 9),
    ],
)
def test_a_torn_position_is_never_ahead_of_what_was_sent(tmp_path: Path, content: bytes, waiting: int) -> None:
    with Spool(tmp_path, 1e9) as spool:
        spool.append(ticks(1, 9))
    (tmp_path / "acked").write_bytes(content)
    with Spool(tmp_path, 1e9) as spool:
        assert spool.pending == waiting
        assert [record.seq for record in spool.peek(20)] == list(range(10 - waiting, 10))
