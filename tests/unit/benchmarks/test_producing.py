"""What the producer's benchmark sends to, and what it sends."""

import csv
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.no_op_kinesis import no_op_server
from benchmarks.producing import _check, _Place, _Side, _write_recording
from faults.stand_in import kinesis_client


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "stand-in")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "stand-in")


def test_the_no_op_takes_what_boto3_sends_and_counts_it() -> None:
    server, kinesis = no_op_server()
    with server:
        client = kinesis_client(server.url)
        assert client.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"
        many = client.put_records(StreamName="s", Records=[{"Data": b"a", "PartitionKey": "k"}] * 500)
        client.put_record(StreamName="s", Data=b"b", PartitionKey="k")
    assert many["FailedRecordCount"] == 0
    assert len(many["Records"]) == 500
    assert (kinesis.records, kinesis.calls) == (501, 2)


def test_records_that_went_missing_are_told(tmp_path: Path) -> None:
    _, kinesis = no_op_server()
    kinesis.records, kinesis.calls = 99, 1
    side = _Side("ours", tmp_path, rows=100)
    with pytest.raises(BenchmarkError, match="100 rows, 100 sent, 99 came"):
        _check(side, _Place("", "bench", sent=100), kinesis)
    kinesis.records = 101
    _check(side, _Place("", "bench", sent=101), kinesis)
    assert side.a_call == [101.0]


def test_a_recording_has_as_many_rows_as_it_is_said(tmp_path: Path) -> None:
    path = _write_recording(tmp_path, "ours", 2_000)
    with path.open(encoding="utf-8", newline="") as rows:
        found = list(csv.DictReader(rows))
    assert len(found) == 2_000
    assert {row["coin_id"] for row in found} == {f"coin-{number:05d}" for number in range(1_000)}
    assert float(found[0]["price"]) > 0
