"""Our job: settings for a lake of its own, and how spark-submit runs one of our programs on it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks.bench import Bench, emptied
from benchmarks.checkout import ROOT
from benchmarks.command import timed
from benchmarks.machine import cores

OURS: Final = "ours"
OURS_BASE: Final = "ours, base interval"
#: What each of our contenders sets in the job: it makes all intervals as by default, or as the peers only that of a
#: minute.
JOBS: Final[Mapping[str, Mapping[str, Any]]] = {OURS: {}, OURS_BASE: {"intervals": []}}
#: The peers take what memory they want; a JVM must be told.
DRIVER_MEMORY: Final = "4g"
_PLACES: Final = ("ticks", "bars", "csv", "checkpoint")


def write_settings(
    folder: Path,
    *,
    job: Mapping[str, Any],
    stream: Mapping[str, Any] | None = None,
    producer: Mapping[str, Any] | None = None,
    conf: Mapping[str, str] | None = None,
) -> Path:
    """Write settings for a lake in ``folder``. Returns the file.

    They are those of :mod:`pricestream.settings` but for the master, which has all cores of this process. Those of
    ``conf/local.yaml`` are for a few coins: there nothing is compiled.

    Args:
        folder: where the lake is, and the file.
        job: settings of the job.
        stream: which stream is read.
        producer: of whoever sends; how seldom it polls limits how little lateness the job may accept.
        conf: further settings of Spark.
    """
    folder.mkdir(parents=True, exist_ok=True)
    places = {name: str(folder / name) for name in _PLACES}
    files = {"report": None, "stop_file": str(folder / "STOP"), "status_file": str(folder / "status.json")}
    spark = {"master": f"local[{cores()}]", "shuffle_partitions": cores(), "conf": dict(conf or {})}
    tree = {
        "producer": dict(producer or {}),
        "stream": dict(stream or {}),
        "job": {**places, **files, "spark": spark, **job},
    }
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def local_spark_conf() -> dict[str, str]:
    """Read what ``conf/local.yaml`` sets in Spark: for a thousand rows compiling takes longer than the rows do."""
    local = yaml.safe_load((ROOT / "conf" / "local.yaml").read_text(encoding="utf-8"))
    return dict(local["job"]["spark"]["conf"])


def submit(script: str, *arguments: object) -> list[object]:
    """Give the command that submits a program."""
    spark_submit = Path(sys.executable).parent / "spark-submit"
    return [spark_submit, "--driver-memory", DRIVER_MEMORY, script, *arguments]


def time_empty_session(bench: Bench) -> float:
    """Run a program that makes a session and nothing else. Gives its seconds, from its start to its end."""
    config = write_settings(emptied(bench.place / "empty"), job={})
    return timed(submit("benchmarks/programs/empty_session.py", config), bench.log)
