"""Each notebook from top to bottom, in a kernel of its own, on a small made-up market and in an empty folder."""

import ast
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

#: An hour of three coins, polled every 10 seconds: 360 prices of each.
SETS = ("producer.coins=[bitcoin, ethereum, tether]", "producer.simulated.hours=1", "producer.simulated.speed=0")
COINS, MINUTES, TICKS = 3, 60, 1_080

PLOTLY = "application/vnd.plotly.v1+json"


@dataclass
class Ran:
    """A notebook that was run."""

    cells: list[Any]

    def output(self, source: str) -> dict[str, Any]:
        """The last thing that the cell with this in it has shown."""
        [cell] = [cell for cell in self.cells if cell.cell_type == "code" and source in cell.source]
        shown: list[dict[str, Any]] = [each["data"] for each in cell.outputs if "data" in each]
        return shown[-1]

    def value(self, source: str) -> Any:
        """The value of that cell."""
        return ast.literal_eval(self.output(source)["text/plain"])

    def traces(self, kind: str) -> list[Any]:
        """All traces of a kind in plotly's figures, as its extension gets them."""
        shown = [each["data"] for cell in self.cells for each in cell.get("outputs", ()) if "data" in each]
        figures = [bundle[PLOTLY] for bundle in shown if PLOTLY in bundle]
        return [trace for figure in figures for trace in figure["data"] if trace["type"] == kind]


@pytest.fixture
def run(root: Path, tmp_path: Path) -> Any:
    def run(name: str) -> Ran:
        notebook = nbformat.read(  # type: ignore[no-untyped-call]
            root / "notebooks" / f"{name}.ipynb", as_version=4
        )
        own = {"PRICESTREAM_LAKE": str(tmp_path / "lake"), "PRICESTREAM_SET": "\n".join(SETS)}
        environ = dict(os.environ) | own | {"IPYTHONDIR": str(tmp_path / "ipython"), "JUPYTER_PREFER_ENV_PATH": "1"}
        client = NotebookClient(
            notebook,
            timeout=240,
            kernel_name="python3",
            resources={"metadata": {"path": str(root / "notebooks")}},
        )
        client.execute(env=environ)
        # Nothing that a cell has said by itself: a warning would stand in the way of whoever reads it.
        said = [each for cell in notebook.cells for each in cell.get("outputs", ()) if each["output_type"] == "stream"]
        assert said == []
        return Ran(notebook.cells)

    return run


def test_01_producer(run: Any) -> None:
    ran = run("01_producer")
    summary = ran.value("summary = producer.stop()")
    assert (summary["ticks"], summary["heartbeats"], summary["spooled"]) == (TICKS, 361, 0)
    assert ran.value("missing_numbers(tail.records())") == {"laptop": 0}
    assert ran.value("tail.newest")["coin_id"] in ("bitcoin", "ethereum", "tether")
    assert len(ran.traces("scatter")) == COINS


def test_02_stream(run: Any) -> None:
    ran = run("02_stream")
    assert ran.value("bars of {len(ticks):,}") == f"{COINS * MINUTES} bars of {TICKS:,} ticks, 0 of them differ"
    stopped = ran.output("job.stop()")["text/plain"]
    assert stopped.startswith("state stopped")
    assert "lag 0 s" in stopped
    # What is watched ends with all of the coin's candles.
    assert f"{MINUTES} bars" in ran.output("watch_job(")["text/plain"]


def test_03_analysis(run: Any) -> None:
    ran = run("03_analysis")
    assert "ethereum" in ran.output("by_pandas = ")["text/html"]
    [candles] = ran.traces("candlestick")
    assert len(candles["x"]) == MINUTES
    correlation, presence = ran.traces("heatmap")
    assert list(correlation["x"]) == list(presence["y"]) == ["bitcoin", "ethereum", "tether"]


def test_04_backfill(run: Any) -> None:
    ran = run("04_backfill")
    # Of an hour: a file each of 1m, 5m, 15m and 1h by the stream; by the clock 4h and 1d are over as well.
    assert ran.value("verdicts(streamed)") == {"same bytes": 4, "more": 2}
    assert ran.value("lose(rehearsal")[0] == "the file interval=1m/date=2026-01-05/hour=09/bars.csv"
    assert ran.value("files are as they were") == "6 of 6 files are as they were"
    origins = ran.value("value_counts()")
    assert origins["ticks"] == 4
    assert origins["history"] > 20
