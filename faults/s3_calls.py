"""S3 calls: the project's own files on an S3 that fails one call in four, and rivals that write in between."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from faults.bad_s3 import S3Trouble
from faults.drill import Drill, Outcome, Task
from faults.proxy import Proxy
from faults.publisher import batches_of
from faults.stand_in import REGION, run_stand_in, s3_client
from jobs.batches import Batches
from jobs.checkpoint import Checkpoint
from jobs.lease import Lease
from jobs.publish import CSV_COLUMNS, Partition, publish_files
from jobs.storage import S3Store
from pricestream.errors import StorageError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BUCKET: Final = "s3-calls"
_ROOT: Final = "lake"
_IDENTITY: Final = {"stream": "arn:aws:kinesis:us-east-1:1:stream/prices", "base_interval": "1m"}


@dataclass
class _Lake:
    """What is on the bad S3, and what should be."""

    #: Through the trouble.
    store: S3Store
    #: Past it.
    client: "S3Client"
    rng: Random
    counts: Counter[str]
    wanted: dict[str, bytes] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    number: int = 0

    def publish(self) -> None:
        """Publish some files anew; with luck somebody else replaces one of them in between."""
        hours = self.rng.sample(range(24), self.rng.randint(1, 3))
        partitions = [Partition("1m", "2026-01-05", hour) for hour in sorted(hours)]
        lines = {each.key: [f"{self.number},{row}" for row in range(self.rng.randint(1, 50))] for each in partitions}
        is_rival = self.rng.random() < 0.2

        def over_lines(some: list[Partition], function: Callable[[Batches], Batches]) -> list[dict[str, Any]]:
            nonlocal is_rival
            if is_rival:
                is_rival = False
                self.counts["files that a rival replaced"] += 1
                self._put_past(some[0].key, b"a rival's")
            rows = [(each.key, line) for each in some for line in lines[each.key]]
            return [receipt for batch in function(batches_of(rows)) for receipt in batch.to_pylist()]

        replaced = publish_files(self.store, "the tree", partitions, over_lines)
        self.counts["files replaced"] += replaced
        self._is_right(f"{len(partitions)} files replaced, as publish said", replaced, len(partitions))
        header = ",".join(CSV_COLUMNS)
        self.wanted |= {key: "".join(f"{line}\n" for line in (header, *rows)).encode() for key, rows in lines.items()}

    def mark(self) -> None:
        """Move the checkpoint's marks on, and read them."""
        checkpoint = Checkpoint(self.store, f"s3://{_BUCKET}/{_ROOT}")
        checkpoint.claim(_IDENTITY)
        checkpoint.mark_checked(self.number)
        checkpoint.mark_closed(self.number * 60)
        checkpoint.mark_backfilled(self.number * 60 + 60)
        through = checkpoint.closed_through_s(), checkpoint.backfilled_through_s(), checkpoint.checked_through()
        self._is_right("the marks", through, (self.number * 60, self.number * 60 + 60, self.number))
        self.counts["marks moved on"] += 3
        marks = {"bars_checked": {"batch": through[2]}, "bars_closed": {"through_s": through[0]}}
        marks["bars_backfilled"] = {"through_s": through[1]}
        self.wanted |= {f"{name}.json": json.dumps(mark).encode() for name, mark in marks.items()}
        self.wanted["identity.json"] = json.dumps(_IDENTITY, indent=1).encode()

    def hold(self) -> None:
        """Take the lease of the checkpoint, renew it, and give it back."""
        lease = Lease(self.store, "the checkpoint", sleep=lambda _: None)
        lease.take()
        lease.renew()
        lease.give_back()
        self.counts["leases taken"] += 1

    def list_all(self) -> None:
        """List what is there, and remove a file that is not needed."""
        self.store.write("spare", b"x")
        self._is_right("a spare file is there", self.store.exists("spare"), True)
        self.store.remove("spare")
        self._is_right("the list of files", set(self.store.list_keys()), set(self.wanted))

    def check(self) -> None:
        """Read everything past the trouble."""
        listed = self.client.list_objects_v2(Bucket=_BUCKET, Prefix=f"{_ROOT}/").get("Contents", [])
        keys = [each["Key"] for each in listed]
        found = {key: self.client.get_object(Bucket=_BUCKET, Key=key)["Body"].read() for key in keys}
        wanted = {f"{_ROOT}/{key}": data for key, data in self.wanted.items()}
        for key in sorted(found.keys() | wanted.keys()):
            self._is_right(key, found.get(key), wanted.get(key))
        self.counts["files right at the end"] = sum(found.get(key) == data for key, data in wanted.items())

    def _put_past(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=_BUCKET, Key=f"{_ROOT}/{key}", Body=data)

    def _is_right(self, what: str, found: object, wanted: object) -> None:
        if found != wanted:
            self.broken.append(f"step {self.number}: {what}: {str(found)[:100]} in place of {str(wanted)[:100]}")


def _run(task: Task) -> Outcome:
    with run_stand_in(task.place) as url, _without_waits():
        client = s3_client(url)
        client.create_bucket(Bucket=_BUCKET)
        trouble = S3Trouble(task.rng, errors=0.2, lost=0.05, cut=0.05)
        with Proxy(url, trouble) as proxy:
            store = S3Store(_BUCKET, _ROOT, proxy.url, path_style=True, region=REGION)
            lake = _Lake(store, client, Random(task.rng.random()), Counter())  # noqa: S311 - no secret
            steps = (lake.publish, lake.publish, lake.mark, lake.hold, lake.list_all)
            while trouble.counts["calls"] < task.count:
                lake.number += 1
                _step(lake, steps[lake.number % len(steps)])
                if lake.number % 100 == 0:
                    task.say(f"{trouble.counts['calls']:,} of {task.count:,} calls")
        lake.check()
        return Outcome({**trouble.counts, **lake.counts}, tuple(lake.broken))


def _step(lake: _Lake, step: Callable[[], None]) -> None:
    """Take a step; what fails for good ends a job, and so breaks the promise."""
    try:
        step()
    except StorageError as error:
        lake.broken.append(f"step {lake.number}: {step.__name__} has failed for good: {error}")
        lake.counts["steps that failed for good"] += 1


@contextmanager
def _without_waits() -> Iterator[None]:
    """Try again at once."""
    at_once = SimpleNamespace(sleep=lambda _: None)
    with patch("botocore.endpoint.time", at_once), patch("tenacity.nap.time", at_once):
        yield


DRILL: Final = Drill(
    name="s3-calls",
    fault="S3 answers a call in five with 500 or 503, loses one answer in twenty and cuts one body in twenty short",
    run=_run,
    unit="calls",
    short=400,
    full=5_000,
)
