"""Lake: what a job has written so far, and what it says of itself."""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jobs.storage import S3_SCHEMES, open_store
from pricestream.settings import Settings


def status_of(settings: Settings) -> dict[str, Any]:
    """Read what the job last said of itself; empty before it has."""
    try:
        found: dict[str, Any] = json.loads(Path(settings.job.status_file).read_bytes())
    except FileNotFoundError:
        return {}
    return found


def is_settled(settings: Settings, *, rows: int, watermark_ms: int) -> bool:
    """Tell whether so many records are rows, and every window before the watermark (epoch ms) is published."""
    status = status_of(settings)
    if not status or status["state"] != "running":
        return False
    return (
        status["ticks"]["rows"] >= rows
        and (status["bars"]["watermark_ms"] or 0) >= watermark_ms
        and bool(status["settled"])
    )


def csv_tree(settings: Settings) -> dict[str, bytes]:
    """Read every file that a reader of the tree would see, on a disk or on S3."""
    if urlsplit(settings.job.csv).scheme in S3_SCHEMES:
        store = open_store(settings.job.csv, settings.job.s3, settings.stream.region)
        return {key: store.read(key) or b"" for key in sorted(store.list_keys())}
    folder = Path(settings.job.csv)
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def ticks_by_coin(settings: Settings) -> Counter[str]:
    """Count the ticks that the files of the base interval tell of, by coin."""
    counts: Counter[str] = Counter()
    for key, data in csv_tree(settings).items():
        if key.startswith(f"interval={settings.job.base_interval}/"):
            for row in csv.DictReader(data.decode().splitlines()):
                counts[row["coin_id"]] += int(row["tick_count"])
    return counts


def job_arguments(settings: Settings, *overrides: str) -> list[str]:
    """The job's command line that writes where ``settings`` say, with further overrides behind."""
    places = ("ticks", "bars", "csv", "checkpoint", "stop_file", "status_file")
    below = [f"job.{place}={getattr(settings.job, place)}" for place in places]
    sets = [part for each in (*below, *overrides) for part in ("--set", each)]
    return ["--config", "conf/local.yaml", *sets]
