"""Put record: what most scripts do, one PutRecord for each row. Prints what it took, as JSON.

``python -m benchmarks.programs.put_record RECORDING STREAM ENDPOINT``; nothing is kept on the disk, sent again or
numbered here. The time is without the start of the interpreter and its imports.
"""

import csv
import json
import sys
import time
from pathlib import Path

import boto3


def main(recording: str, stream: str, endpoint: str) -> None:
    """Send the rows of a CSV file, one after another."""
    began = time.perf_counter()
    kinesis = boto3.client("kinesis", region_name="us-east-1", endpoint_url=endpoint)
    sent = 0
    with Path(recording).open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            tick = {
                "v": 1,
                "coin_id": row["coin_id"],
                "vs_currency": "usd",
                "price": float(row["price"]),
                "event_time": int(row["timestamp_ms"]),
                "polled_at": int(row["timestamp_ms"]),
                "producer_id": "script",
                "seq": sent + 1,
                "source": "replay",
            }
            kinesis.put_record(StreamName=stream, Data=json.dumps(tick).encode(), PartitionKey=row["coin_id"])
            sent += 1
    sys.stdout.write(json.dumps({"seconds": time.perf_counter() - began, "sent": sent}))


if __name__ == "__main__":
    main(*sys.argv[1:])
