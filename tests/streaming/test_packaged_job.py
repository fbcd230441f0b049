"""The artefact of scripts/package, where nothing of the checkout is: in an empty folder, with a Python of its own."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyspark
import pytest
import yaml

from faults.submitted_job import SubmittedJob
from pricestream.config import load_settings
from pricestream.settings import Settings
from scripts.package_app.packages import Architecture
from scripts.package_app.source import ENTRIES
from tests.conftest import MakeSettings
from tests.support.streaming import StartJob, Stream, closing, csv_tree, market
from tests.support.tar import unpack

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# It fetches 100 MB of packages and builds them first.
pytestmark = pytest.mark.long

NINE = 1_767_603_600_000  # 2026-01-05T09:00:00Z
MINUTE = 60_000
ARCHITECTURE = Architecture.ARM64 if platform.machine() == "aarch64" else Architecture.X86_64
SPARK = Path(pyspark.__file__).parent

#: Imports whatever is in the packages, and says where each module came from.
IMPORT_ALL = """
import importlib, json, pkgutil, sys
import coingecko, jobs, pricestream, producer
for package in (coingecko, jobs, pricestream, producer):
    for each in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not each.name.endswith("__main__"):
            importlib.import_module(each.name)
import boto3, pandas
from jobs.report_page import _resource, get_plotlyjs
print(json.dumps({
    "files": {name: module.__file__ for name, module in sys.modules.items() if getattr(module, "__file__", None)},
    "page": [len(_resource("report.html")), len(get_plotlyjs())],
}))
"""


@dataclass(frozen=True)
class Place:
    """A folder with the packages of an artefact unpacked as ``--archives …#deps`` does, and nothing else."""

    artefact: Path
    folder: Path
    python: Path
    #: A Spark without its Python packages' neighbours, which writes its own files below it.
    spark_home: Path

    @property
    def environ(self) -> dict[str, str]:
        kept = ("HOME", "LANG", "TMPDIR", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED")
        return {name: os.environ[name] for name in kept if name in os.environ} | {
            "PATH": "/usr/bin:/bin",
            "PYSPARK_PYTHON": str(self.python),
            "SPARK_HOME": str(self.spark_home),
            # As for a driver on YARN: where it stands.
            "PYTHONPATH": "deps",
        }

    def run(self, *arguments: str) -> str:
        """Run its Python, with the code and Spark's own zips as ``--py-files`` and spark-submit lay them."""
        zips = [str(self.artefact / "code.zip"), *(str(each) for each in sorted(self.spark_home.glob("python/lib/*")))]
        path = os.pathsep.join([self.environ["PYTHONPATH"], *zips])
        done = subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            env=self.environ | {"PYTHONPATH": path, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


def package(root: Path, *arguments: str, umask: int = 0o022, timezone: str = "UTC") -> Path:
    """Run the command as ``scripts/package`` does once everything is there, and give the artefact's folder."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "scripts.package_app", *arguments],
        env=os.environ | {"PYTHONPATH": str(root), "TZ": timezone},
        umask=umask,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return Path(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def place(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    outside = tmp_path_factory.mktemp("outside")
    artefact = package(root, "--arch", ARCHITECTURE, "--dirty", "--out", str(outside / "dist"))
    folder, spark_home = outside / "empty", outside / "spark"
    unpack(artefact / f"deps-{ARCHITECTURE}.tar.gz", folder / "deps")
    for name in ("bin", "conf", "jars", "sbin"):
        (spark_home / name).parent.mkdir(exist_ok=True)
        (spark_home / name).symlink_to(SPARK / name)
    shutil.copytree(SPARK / "python" / "lib", spark_home / "python" / "lib")
    base = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([base, "-m", "venv", "--without-pip", outside / "plain"], check=True, timeout=60)
    return Place(artefact, folder, outside / "plain" / "bin" / "python", spark_home)


def test_every_module_and_package_is_in_the_artefact(place: Place, root: Path) -> None:
    said = json.loads(place.run("-c", IMPORT_ALL))
    files: dict[str, str] = said["files"]
    ours = {name for name in files if name.partition(".")[0] in ("coingecko", "jobs", "pricestream", "producer")}
    assert {"jobs.stream_job", "producer.loop", "coingecko.http", "pricestream.settings"} < ours
    assert {files[name].partition("code.zip")[0] for name in ours} == {f"{place.artefact}/"}
    for name in ("boto3", "delta", "pandas", "plotly", "pyarrow", "pydantic_core", "typer", "yaml"):
        assert Path(place.folder, files[name]).is_relative_to(place.folder / "deps"), files[name]
    assert Path(files["pyspark"]).is_relative_to(place.spark_home)
    assert [file for file in files.values() if Path(file).is_relative_to(root)] == []
    assert said["page"][0] > 1_000
    assert said["page"][1] > 1_000_000


def test_every_entry_and_the_producer_start_from_the_artefact(place: Place) -> None:
    for entry in ENTRIES:
        assert "such as conf/local.yaml or s3://bucket/key" in place.run(str(place.artefact / entry), "--help")
    assert "put them on the Kinesis stream" in place.run("-m", "producer", "--help")


def test_the_manifest_holds(place: Place) -> None:
    manifest = json.loads((place.artefact / "manifest.json").read_bytes())
    assert place.artefact.name == f"pricestream-{manifest['version']}"
    names = {path.name for path in place.artefact.iterdir()} - {"manifest.json"}
    assert names == {*ENTRIES, "code.zip", f"deps-{ARCHITECTURE}.tar.gz"}
    assert manifest["files"] == {
        name: hashlib.sha256((place.artefact / name).read_bytes()).hexdigest() for name in sorted(names)
    }


def settings_of(root: Path, stream: Stream, lake: Path) -> dict[str, Any]:
    """The local settings as a platform would have them: no master, nothing beside the lake."""
    tree: dict[str, Any] = yaml.safe_load((root / "conf" / "local.yaml").read_text())
    del tree["job"]["spark"]["master"]
    tree["stream"] |= {"name": stream.name, "endpoint_url": stream.endpoint}
    places = {name: f"{lake}/{name}" for name in ("ticks", "bars", "csv", "checkpoint")}
    files = {"report": f"{lake}/report.html", "stop_file": f"{lake}/STOP", "status_file": f"{lake}/status.json"}
    tree["job"] |= places | files | {"trigger_seconds": 0.2}
    return tree


def submit(place: Place, stream: Stream, settings: Settings, uri: str, log: Path) -> SubmittedJob:
    """Start the job on a cluster in small: a driver, and an executor of its own, to which Spark brings the artefact."""
    command = [str(place.spark_home / "bin" / "spark-submit"), "--master", "local-cluster[1,2,1024]"]
    command += ["--py-files", str(place.artefact / "code.zip")]
    command += ["--archives", f"{place.artefact / f'deps-{ARCHITECTURE}.tar.gz'}#deps"]
    command += ["--conf", "spark.executorEnv.PYTHONPATH=deps", "--conf", "spark.executor.memory=1g"]
    command += [str(place.artefact / "stream_prices.py"), "--config", uri]
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            cwd=place.folder,
            env=place.environ | {"AWS_ENDPOINT_URL": stream.endpoint},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return SubmittedJob(settings, process, log)


@pytest.mark.timeout(400)
def test_the_packaged_job_writes_what_the_checkouts_own_does(
    place: Place,
    root: Path,
    tmp_path: Path,
    s3: "S3Client",
    stream: Stream,
    make_settings: MakeSettings,
    start_job: StartJob,
) -> None:
    tree = settings_of(root, stream, tmp_path / "packaged")
    s3.create_bucket(Bucket="platform")
    s3.put_object(Bucket="platform", Key="settings/0123.yaml", Body=yaml.safe_dump(tree).encode())
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(tree))
    settings = load_settings(tmp_path / "settings.yaml")
    ticks = market({"bitcoin": 60_000.0, "shiba-inu": 1e-5}, start_ms=NINE + 55 * MINUTE, minutes=10)
    end = NINE + 65 * MINUTE
    stream.put_ticks(ticks)
    stream.put(closing(settings, end))

    with submit(place, stream, settings, "s3://platform/settings/0123.yaml", tmp_path / "job.log") as job:
        job.settle(rows=stream.sent, watermark_ms=end)
        job.stop()
    assert "plotly.js" in (tmp_path / "packaged" / "report.html").read_text()

    # By pandas, from what was put on the stream.
    frame = pd.DataFrame({"coin_id": tick.coin_id, "at": tick.event_time, "price": tick.price} for tick in ticks)
    minute = pd.to_datetime(frame["at"] // MINUTE * MINUTE, unit="ms", utc=True).rename("window_start")
    expected = frame.groupby(["coin_id", minute]).price.agg(["first", "max", "min", "last", "count"])
    files = sorted((tmp_path / "packaged" / "csv").glob("interval=1m/*/*/bars.csv"))
    # What pandas reads by default is off by the last bit.
    found = pd.concat(pd.read_csv(file, parse_dates=["window_start"], float_precision="round_trip") for file in files)
    found = found.set_index(["coin_id", "window_start"])[["open", "high", "low", "close", "tick_count"]].sort_index()
    pd.testing.assert_frame_equal(found.set_axis(expected.columns, axis=1), expected.sort_index(), check_exact=True)

    own = make_settings(*stream.overrides)
    running = start_job(own)
    running.settle(rows=stream.sent, watermark_ms=end)
    running.stop()
    assert csv_tree(settings) == csv_tree(own)


@pytest.mark.timeout(600)
def test_a_clone_elsewhere_gives_the_same_bytes_for_both_kinds_of_machines(root: Path, tmp_path: Path) -> None:
    digests = []
    for name, umask, timezone in (("one", 0o022, "UTC"), ("another place", 0o077, "America/St_Johns")):
        clone = tmp_path / name / "pricestream"
        subprocess.run(["git", "clone", "-q", "--local", root, clone], check=True, timeout=60, umask=umask)
        # The code that packages is the clone's own.
        place = package(clone, umask=umask, timezone=timezone)
        assert place.parent == clone / "dist"
        digests.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in place.iterdir()})
    assert digests[0] == digests[1]
    assert {"deps-x86_64.tar.gz", "deps-arm64.tar.gz"} < set(digests[0])
    for architecture, machine in (("x86_64", 62), ("arm64", 183)):
        assert _machines(place / f"deps-{architecture}.tar.gz") == {machine}


def _machines(archive: Path) -> set[int]:
    """The machines that the shared objects of an archive are for, as the headers of ELF number them."""
    machines = set()
    with tarfile.open(archive) as members:
        for member in members:
            if ".so" in member.name:
                content = members.extractfile(member)
                assert content is not None
                header = content.read(20)
                assert header[:4] == b"\x7fELF", member.name
                machines.add(int.from_bytes(header[18:20], "little"))
    return machines
