"""What every test can use. Stand-ins are on loopback; the credentials are made up."""

import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pricestream.config import load_settings
from pricestream.settings import Settings
from scripts.demo_app.port import free_port

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"

os.environ.setdefault("AWS_ACCESS_KEY_ID", "stand-in")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "stand-in")
os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")

# It logs as the interpreter ends, when pytest has closed what it would log to.
logging.getLogger("py4j").setLevel(logging.WARNING)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Recorded market data, which lives beside the checkout and not in it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the recorded data (../shared/data) is not here")
    return SHARED_DATA


@pytest.fixture(scope="session")
def real_trades(shared_data: Path) -> Path:
    """Every XRP/ETH trade of three days: timestamp_ms, trade_id, side, price, amount."""
    return shared_data / "market" / "xrp_eth_trades_2019-10-11_to_13.csv.gz"


@pytest.fixture(scope="session")
def stand_in_url() -> str:
    """Where the stand-in for Kinesis and S3 will listen, for those tests that start it."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """A stand-in for AWS in this process, for tests without Spark: what it holds is there until the end."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def spark(stand_in_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator["SparkSession"]:
    """The one session that all Spark tests share. Its Python runs far from UTC, to catch local times."""
    from jobs.session import make_session

    os.environ["TZ"] = "America/St_Johns"
    time.tzset()
    # S3 is set up from the start: the Kinesis connector keeps the first Hadoop settings that it sees.
    s3 = [f"job.s3.endpoint_url={stand_in_url}", "job.s3.path_style=true"]
    warehouse = tmp_path_factory.mktemp("warehouse")
    conf = {"spark.sql.warehouse.dir": str(warehouse), "spark.hadoop.fs.s3a.attempts.maximum": "3"}
    job = load_settings(ROOT / "conf" / "local.yaml", s3).job
    with pytest.MonkeyPatch.context() as patch:
        # What scripts/test sets for jobs of seconds; this session lasts.
        patch.delenv("SPARK_SUBMIT_OPTS", raising=False)
        session = make_session(
            job.model_copy(update={"spark": job.spark.model_copy(update={"conf": job.spark.conf | conf})})
        )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """An empty folder for the tables and files of one test."""
    return tmp_path / "lake"


MakeSettings = Callable[..., Settings]


@pytest.fixture
def make_settings(lake: Path) -> MakeSettings:
    """Make the local settings, with everything they write below ``lake``."""

    def make(*overrides: str, root: str = str(lake)) -> Settings:
        places = ["ticks", "bars", "csv", "checkpoint"]
        below = [f"job.{place}={root}/{place}" for place in places]
        files = [f"job.stop_file={lake}/STOP", f"job.status_file={lake}/status.json", "job.report=null"]
        quick = ["job.trigger_seconds=0.2", f"producer.state_dir={lake}/producer"]
        return load_settings(ROOT / "conf" / "local.yaml", [*below, *files, *quick, *overrides])

    return make
