"""Spark's own configuration, so that a plain ``spark-submit`` in the virtual environment works."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from scripts.local_env.checkout import Checkout

_HEADER = "# Written by scripts/setup, which overwrites changes made here.\n"

#: The stand-ins speak JSON, not CBOR. The Kinesis connector carries its AWS SDK under another name.
_JSON_ONLY = "-Dorg.apache.spark.sql.kinesis.shaded.amazonaws.sdk.disableCbor=true"

#: Hadoop runs chmod for each file that it writes. Without this Java runs a helper first, each time.
_QUICK_FORK = "-Djdk.lang.Process.launchMechanism=VFORK"


def configure(checkout: Checkout, java: Path) -> None:
    """Write the configuration into pyspark's ``conf`` folder, where it differs from what is there."""
    folder = checkout.spark_home / "conf"
    folder.mkdir(exist_ok=True)
    _write(folder / "spark-env.sh", spark_env(checkout.python, java))
    archive = checkout.class_archive if checkout.class_archive.exists() else None
    _write(folder / "spark-defaults.conf", spark_defaults([checkout.jars, checkout.spark_home / "jars"], archive))
    _write(folder / "log4j2.properties", (checkout.root / "conf" / "spark" / "log4j2.properties").read_text("utf-8"))
    _quote_the_path(checkout.spark_home / "bin" / "load-spark-env.sh")


def spark_env(python: Path, java: Path) -> str:
    """Render ``spark-env.sh``, which every Spark command reads: what is not set yet gets a value."""
    return (
        f"{_HEADER}"
        'if ! grep -qs \'^JAVA_VERSION="17[."]\' "${JAVA_HOME:-}/release"; then\n'
        f"    JAVA_HOME={shlex.quote(str(java))}\n"
        "fi\n"
        "export JAVA_HOME\n"
        f'if [ -z "${{PYSPARK_PYTHON:-}}" ]; then PYSPARK_PYTHON={shlex.quote(str(python))}; fi\n'
        "export PYSPARK_PYTHON\n"
        "# Spark would look up the machine's name, and bind to the network.\n"
        'export SPARK_LOCAL_IP="${SPARK_LOCAL_IP:-127.0.0.1}"\n'
    )


def java_options(archive: Path | None = None) -> str:
    """Give the options of Java for every Spark here.

    Args:
        archive: classes that Java need not load from jars; None where there is none.
    """
    options = [_JSON_ONLY, _QUICK_FORK, "-Duser.timezone=UTC"]
    if archive:
        # One that is not of these jars is passed over, which Java would say on the standard output.
        options += [quoted(f"-XX:SharedArchiveFile={archive}"), "-Xlog:cds=off"]
    return " ".join(options)


def quoted(option: str) -> str:
    """Put an option into quotes, as Spark takes options apart."""
    escaped = option.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def spark_defaults(jars: Sequence[Path], archive: Path | None) -> str:
    """Render ``spark-defaults.conf``; settings of the job and of ``spark-submit --conf`` win over it.

    Args:
        jars: folders of jars for the class path. Spark's own are among them, for Spark would put its folder of settings
            before them, and Java archives no class that comes after a folder with files.
        archive: as in :func:`java_options`.
    """
    class_path = ":".join(f"{folder}/*" for folder in jars).replace("\\", "\\\\")
    settings = {
        "spark.driver.extraClassPath": class_path,
        "spark.executor.extraClassPath": class_path,
        "spark.driver.extraJavaOptions": java_options(archive).replace("\\", "\\\\"),
        "spark.executor.extraJavaOptions": java_options(),
        "spark.driver.memory": "2g",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    return _HEADER + "".join(f"{key} {value}\n" for key, value in settings.items())


def _quote_the_path(script: Path) -> None:
    """Let Spark 3.5 find ``spark-env.sh`` where the checkout's path holds a space."""
    text = script.read_text(encoding="utf-8")
    _write(script, text.replace("    . ${SPARK_ENV_SH}\n", '    . "${SPARK_ENV_SH}"\n'))


def _write(path: Path, content: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != content:
        path.write_text(content, encoding="utf-8")
