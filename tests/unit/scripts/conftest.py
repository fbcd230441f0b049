"""Let the tests import ``scripts``, which is not an installed package, however pytest is called."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from scripts.local_env.checkout import Checkout  # noqa: E402 - needs the path above


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """An empty checkout, with a space in its path."""
    root = tmp_path / "a checkout"
    root.mkdir()
    return Checkout(root)


@pytest.fixture
def prepared(checkout: Checkout) -> Checkout:
    """A checkout that Spark's own configuration can be written into."""
    (checkout.spark_home / "bin").mkdir(parents=True)
    (checkout.spark_home / "bin" / "load-spark-env.sh").write_text("set -a\n    . ${SPARK_ENV_SH}\nset +a\n")
    (checkout.root / "conf" / "spark").mkdir(parents=True)
    (checkout.root / "conf" / "spark" / "log4j2.properties").write_text("rootLogger.level = warn\n")
    return checkout
