"""The marks in a checkpoint, and what Spark's own files in it say."""

import json
from pathlib import Path

import pytest

from jobs.checkpoint import BARS, Checkpoint, MicroBatch
from jobs.storage import DiskStore
from pricestream.errors import StorageError

OURS = {"stream": "arn:aws:kinesis:us-east-1:1:stream/prices", "created": "2026-01-05", "base_interval": "1m"}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return Checkpoint(DiskStore(tmp_path), str(tmp_path))


def test_a_new_checkpoint_is_taken_and_kept(checkpoint: Checkpoint) -> None:
    checkpoint.claim(OURS)
    checkpoint.claim(OURS)


@pytest.mark.parametrize(
    ("key", "value"),
    [("stream", "arn:aws:kinesis:us-east-1:1:stream/other"), ("created", "2026-02-01"), ("base_interval", "5m")],
)
def test_a_checkpoint_of_another_stream_is_refused(checkpoint: Checkpoint, key: str, value: str) -> None:
    checkpoint.claim(OURS)
    with pytest.raises(StorageError, match=f"belongs to {key} {OURS[key]}, not {value}; set job.checkpoint to a new"):
        checkpoint.claim({**OURS, key: value})


def test_a_damaged_mark_is_told(checkpoint: Checkpoint) -> None:
    checkpoint.store.write("identity.json", b'{"stream": "ar')
    with pytest.raises(
        StorageError,
        match=r"identity.json: is damaged; remove it if the checkpoint is this stream's; else start with a new",
    ):
        checkpoint.claim(OURS)


def test_the_id_of_a_query_is_what_spark_wrote(checkpoint: Checkpoint) -> None:
    checkpoint.store.write("bars/metadata", b'{"id":"8d8c2f3e-0000-4000-8000-000000000000"}')
    assert checkpoint.query_id(BARS) == "8d8c2f3e-0000-4000-8000-000000000000"


def test_a_checkpoint_without_its_metadata_is_told(checkpoint: Checkpoint) -> None:
    with pytest.raises(StorageError, match="has no metadata file"):
        checkpoint.query_id(BARS)


def test_a_micro_batch_as_spark_logs_it(checkpoint: Checkpoint) -> None:
    offset = {"sourceVersion": 1, "reservoirId": "r", "reservoirVersion": 17, "index": -1, "isStartingVersion": False}
    about = {"batchWatermarkMs": 1767603600123, "batchTimestampMs": 1, "conf": {}}
    checkpoint.store.write("bars/offsets/3", f"v1\n{json.dumps(about)}\n{json.dumps(offset)}".encode())
    assert checkpoint.micro_batch(BARS, 3) == MicroBatch(watermark_ms=1767603600123, version=17, is_snapshot=False)
    assert checkpoint.micro_batch(BARS, 4) is None


def test_how_far_stragglers_were_looked_for(checkpoint: Checkpoint) -> None:
    assert checkpoint.checked_through() == -1
    checkpoint.mark_checked(41)
    assert checkpoint.checked_through() == 41


WHOLE = b'v1\n{"batchWatermarkMs":0}\n{"shardId-0":{"iteratorType":"TRIM_HORIZON"}}\n'


def test_logs_that_are_whole_pass(checkpoint: Checkpoint) -> None:
    checkpoint.check_logs()
    for query in ("ingest", "bars"):
        for number in range(12):
            checkpoint.store.write(f"{query}/offsets/{number}", WHOLE)
            checkpoint.store.write(f"{query}/commits/{number}", b'v1\n{"nextBatchWatermarkMs":0}')
    checkpoint.store.write("bars/offsets/11", b"v1\n{}\n-\n")
    # Neither an older entry nor what Spark keeps beside them is looked at.
    checkpoint.store.write("bars/offsets/9", b"")
    checkpoint.store.write("bars/state/0/1/2.delta", b"\xff")
    checkpoint.check_logs()


@pytest.mark.parametrize("log", ["ingest/offsets", "ingest/commits", "bars/offsets", "bars/commits"])
@pytest.mark.parametrize("cut_off", [b"", b"v1", b"v1\n", WHOLE[:-4], WHOLE[:15], b"\x00" * 40])
def test_the_newest_entry_of_a_log_that_is_cut_off_is_named(checkpoint: Checkpoint, log: str, cut_off: bytes) -> None:
    checkpoint.store.write(f"{log}/9", WHOLE)
    checkpoint.store.write(f"{log}/10", cut_off)
    with pytest.raises(StorageError, match=rf"{log}/10: is damaged; start with a new checkpoint folder"):
        checkpoint.check_logs()
