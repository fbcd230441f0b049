"""The environment of the demo's processes: nothing in it reaches an AWS account."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

#: The stand-in takes any; a real account never sees them.
STAND_IN_KEY: Final = "stand-in"

_LOCAL: Final = "127.0.0.1,localhost"

#: Spark gives these to the Java of a job. The second compiler takes nearly half of what a minute of Spark costs, and
#: makes what it compiles twice as fast: by then the minute is over.
_BRIEF: Final = {"SPARK_SUBMIT_OPTS": "-XX:TieredStopAtLevel=1"}

_DROPPED: Final = ("AWS_", "PYSPARK_", "PYTHON", "SPARK_")


def child_environment(
    environ: Mapping[str, str], spark_home: Path, python: Path, *, is_brief: bool = False
) -> dict[str, str]:
    """Derive the environment of the children from ours.

    Args:
        environ: our own.
        spark_home: the Spark in the virtual environment, whatever other Spark the machine has.
        python: the virtual environment's interpreter.
        is_brief: whether all is over in a minute or so.
    """
    kept = {key: value for key, value in environ.items() if not key.startswith(_DROPPED)}
    proxies = {key: f"{environ[key]},{_LOCAL}" if environ.get(key) else _LOCAL for key in ("NO_PROXY", "no_proxy")}
    return (
        kept
        | proxies
        | (_BRIEF if is_brief else {})
        | {
            "AWS_ACCESS_KEY_ID": STAND_IN_KEY,
            "AWS_SECRET_ACCESS_KEY": STAND_IN_KEY,
            # Nothing of a person's own AWS set-up, and no waiting for a cloud machine's metadata.
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYSPARK_PYTHON": str(python),
            "PYTHONUNBUFFERED": "1",
            "SPARK_HOME": str(spark_home),
            "SPARK_CONF_DIR": str(spark_home / "conf"),
        }
    )
