"""What is asked of a session that is there already; a real one is in tests/notebooks."""

import signal
from pathlib import Path
from typing import Any

import pytest

from explore import session as sessions
from explore.place import Place, Where, own_place
from explore.session import open_spark
from pricestream.errors import StorageError
from pricestream.job_settings import JobSettings

DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


class Session:
    """As much of a session as is looked at."""

    def __init__(self, conf: dict[str, str]) -> None:
        self.conf = conf
        self.sparkContext = self
        self.level = ""

    def setLogLevel(self, level: str) -> None:  # noqa: N802 - Spark's name
        self.level = level


def open_on(where: Where, tmp_path: Path, conf: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> JobSettings:
    """Open a session at a place, and give the settings that it was asked for with."""
    asked: list[JobSettings] = []

    def make_session(job: JobSettings, region: str) -> Any:
        assert region == "us-east-1"
        asked.append(job)
        # As Spark does.
        signal.signal(signal.SIGINT, lambda *_: None)
        return Session(conf)

    monkeypatch.setattr("jobs.session.make_session", make_session)
    open_spark(Place(where, own_place(tmp_path).settings, "s3://settings"))
    return asked[0]


def test_a_kernels_session_with_deltas_extension_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = DELTA | {"spark.sql.extensions": f"another.Extension,{DELTA['spark.sql.extensions']}"}
    job = open_on("EMR cluster", tmp_path, others, monkeypatch)
    # None of EMR's jars is here.
    assert "spark.jars" not in job.spark.conf


@pytest.mark.parametrize("lacking", DELTA)
def test_a_session_that_was_started_without_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    conf = {key: value for key, value in DELTA.items() if key != lacking}
    with pytest.raises(StorageError, match=f"was started without {lacking}="):
        open_on("EMR cluster", tmp_path, conf, monkeypatch)


def test_an_interrupt_of_the_kernel_does_not_become_one_of_sparks_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGINT)
    open_on("EMR cluster", tmp_path, DELTA, monkeypatch)
    assert signal.getsignal(signal.SIGINT) is before


def test_the_images_jars_that_are_there_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = tmp_path / "delta.jar"
    jar.touch()
    monkeypatch.setattr(sessions, "_EMR_JARS", (str(jar), "/not/there.jar"))
    assert open_on("EMR cluster", tmp_path, DELTA, monkeypatch).spark.conf["spark.jars"] == str(jar)
    # On a laptop they are on the class path already.
    assert "spark.jars" not in open_on("laptop", tmp_path, DELTA, monkeypatch).spark.conf
