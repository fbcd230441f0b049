import subprocess
from pathlib import Path

import pytest

from scripts.local_env.checkout import Checkout
from scripts.local_env.spark_conf import configure, spark_defaults, spark_env

JAVA = Path('/opt/it\'s a "Java" $HOME')
PYTHON = Path("/home/a b/.venv/bin/python")


def source(script: str, tmp_path: Path, **environ: str) -> dict[str, str]:
    """Run the script as Spark's own scripts do, and give the variables that it sets."""
    path = tmp_path / "spark-env.sh"
    path.write_text(script)
    names = ("JAVA_HOME", "PYSPARK_PYTHON", "SPARK_LOCAL_IP")
    shown = "; ".join(f'printf "%s\\n" "${name}"' for name in names)
    run = subprocess.run(
        ["bash", "-c", f'set -a; . "{path}"; set +a; {shown}'],
        env={"PATH": "/usr/bin:/bin", **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stderr == ""
    return dict(zip(names, run.stdout.splitlines(), strict=True))


def test_what_is_not_set_gets_a_value(tmp_path: Path) -> None:
    assert source(spark_env(PYTHON, JAVA), tmp_path) == {
        "JAVA_HOME": str(JAVA),
        "PYSPARK_PYTHON": str(PYTHON),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }


def test_what_the_person_has_set_is_kept(tmp_path: Path) -> None:
    home = tmp_path / "my java"
    home.mkdir()
    (home / "release").write_text('JAVA_VERSION="17.0.4"\n')
    mine = {"JAVA_HOME": str(home), "PYSPARK_PYTHON": "/my/python", "SPARK_LOCAL_IP": "127.0.0.2"}
    assert source(spark_env(PYTHON, JAVA), tmp_path, **mine) == mine


@pytest.mark.parametrize("release", ['JAVA_VERSION="11.0.4"\n', 'JAVA_VERSION="1.8.0"\n', 'JAVA_VERSION="21.0.1"\n'])
def test_a_java_that_spark_does_not_run_on_is_replaced(tmp_path: Path, release: str) -> None:
    (tmp_path / "release").write_text(release)
    assert source(spark_env(PYTHON, JAVA), tmp_path, JAVA_HOME=str(tmp_path))["JAVA_HOME"] == str(JAVA)


def test_the_class_path_is_every_jar_in_the_folders_ours_first() -> None:
    lines = spark_defaults([Path("/home/a b/.local/jars"), Path("/spark/jars")], None).splitlines()
    assert "spark.driver.extraClassPath /home/a b/.local/jars/*:/spark/jars/*" in lines
    assert "spark.executor.extraClassPath /home/a b/.local/jars/*:/spark/jars/*" in lines


def driver_options(lines: str) -> str:
    return next(line for line in lines.splitlines() if line.startswith("spark.driver.extraJavaOptions "))


def test_without_an_archive_of_classes_java_is_told_of_none() -> None:
    assert "SharedArchiveFile" not in driver_options(spark_defaults([], None))


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/home/a b/spark.jsa", '"-XX:SharedArchiveFile=/home/a b/spark.jsa"'),
        # Once for the options, and once more for a file of properties.
        (r"/a\b/spark.jsa", r'"-XX:SharedArchiveFile=/a\\\\b/spark.jsa"'),
        ('/a"b/spark.jsa', r'"-XX:SharedArchiveFile=/a\\"b/spark.jsa"'),
    ],
)
def test_the_archive_of_classes_is_quoted_as_spark_reads_it(path: str, written: str) -> None:
    assert written in driver_options(spark_defaults([], Path(path)))


def test_the_files_land_where_spark_looks(prepared: Checkout) -> None:
    configure(prepared, JAVA)
    folder = prepared.spark_home / "conf"
    assert {path.name for path in folder.iterdir()} == {"spark-env.sh", "spark-defaults.conf", "log4j2.properties"}
    assert (folder / "log4j2.properties").read_text() == "rootLogger.level = warn\n"


def test_spark_finds_its_environment_in_a_path_with_a_space(prepared: Checkout) -> None:
    configure(prepared, JAVA)
    configure(prepared, JAVA)
    script = prepared.spark_home / "bin" / "load-spark-env.sh"
    environ = {"SPARK_ENV_SH": str(prepared.spark_home / "conf" / "spark-env.sh"), "PATH": "/usr/bin:/bin"}
    command = ["bash", "-c", f'. "{script}"; printf %s "$JAVA_HOME"']
    run = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert run.stdout == str(JAVA)


def test_files_that_are_right_are_left_alone(prepared: Checkout) -> None:
    configure(prepared, JAVA)
    paths = list((prepared.spark_home / "conf").iterdir())
    before = [path.stat().st_mtime_ns for path in paths]
    configure(prepared, JAVA)
    assert [path.stat().st_mtime_ns for path in paths] == before
