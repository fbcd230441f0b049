"""What a cluster gets is what was tested here, but for what it has itself."""

import re
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[3] / "requirements"


def pins(name: str) -> dict[str, set[str]]:
    """The locked packages, ``name==version`` without markers, each with its hashes."""
    locked: dict[str, set[str]] = {}
    for line in (REQUIREMENTS / f"{name}.txt").read_text().splitlines():
        if found := re.match(r"([a-z0-9._-]+==[^ ]+)", line):
            hashes = locked.setdefault(found[1], set())
        elif found := re.match(r" +--hash=(sha256:[0-9a-f]{64})", line):
            hashes.add(found[1])
    return locked


def test_the_versions_and_hashes_are_those_of_a_demo() -> None:
    cluster, run = pins("cluster"), pins("run")
    assert len(cluster) > 20
    assert all(hashes for hashes in cluster.values())
    assert [each for each in cluster if cluster[each] != run.get(each)] == []


def test_no_package_depends_on_the_machine_that_packages() -> None:
    assert ";" not in (REQUIREMENTS / "cluster.txt").read_text()


def test_spark_is_left_to_the_cluster_and_the_rest_is_there() -> None:
    names = {each.partition("==")[0] for each in pins("cluster")}
    assert not names & {"pyspark", "py4j"}
    wanted = {"boto3", "delta-spark", "numpy", "pandas", "plotly", "pyarrow", "pydantic", "pyyaml", "requests"}
    assert names >= wanted | {"rich", "tenacity", "typer"}
