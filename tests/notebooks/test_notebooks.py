"""Each notebook from top to bottom, in a kernel of its own, on a small made-up market and in an empty folder."""

import ast
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

#: An hour of three coins, polled every 10 seconds: 360 prices of each, the first of which was renewed just before.
SETS = ("producer.coins=[bitcoin, ethereum, tether]", "producer.simulated.hours=1", "producer.simulated.speed=0")
COINS, WINDOWS, TICKS = 3, 61, 1_080

ROOT = Path(__file__).resolve().parents[2]
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


def run(name: str, folder: Path) -> Ran:
    """Run a notebook whose lake is in a folder; where that is empty, it is the first there."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    own = {"PRICESTREAM_LAKE": str(folder / "lake"), "PRICESTREAM_SET": "\n".join(SETS)}
    environ = dict(os.environ) | own | {"IPYTHONDIR": str(folder / "ipython"), "JUPYTER_PREFER_ENV_PATH": "1"}
    place = {"metadata": {"path": str(ROOT / "notebooks")}}
    beside = sorted((ROOT / "notebooks").iterdir())
    NotebookClient(notebook, timeout=240, kernel_name="python3", resources=place).execute(env=environ)
    # What it writes goes to the folder that it was given.
    assert sorted((ROOT / "notebooks").iterdir()) == beside
    # Nothing that a cell has said by itself: a warning would be in the way of whoever reads it.
    said = [each for cell in notebook.cells for each in cell.get("outputs", ()) if each["output_type"] == "stream"]
    assert said == []
    return Ran(notebook.cells)


@pytest.fixture(scope="module")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ran]:
    """A folder in which ``02_stream`` was run, and what came of it."""
    folder = tmp_path_factory.mktemp("notebooks")
    return folder, run("02_stream", folder)


def test_01_producer(tmp_path: Path) -> None:
    ran = run("01_producer", tmp_path)
    summary = ran.value("summary = producer.stop()")
    assert (summary["ticks"], summary["heartbeats"], summary["spooled"]) == (TICKS, 361, 0)
    assert ran.value("missing_numbers(tail.records())") == {"laptop": 0}
    assert ran.value("tail.newest")["coin_id"] in ("bitcoin", "ethereum", "tether")
    assert len(ran.traces("scatter")) == COINS


@pytest.mark.long
def test_02_stream(streamed: tuple[Path, Ran]) -> None:
    _, ran = streamed
    assert ran.value("bars of {len(ticks):,}") == f"{COINS * WINDOWS} bars of {TICKS:,} ticks, 0 of them differ"
    stopped = ran.output("job.stop()")["text/plain"]
    assert stopped.startswith("state stopped")
    assert "lag 0 s" in stopped
    # What is watched ends with all of the coin's candles.
    assert f"{WINDOWS} bars" in ran.output("watch_job(")["text/plain"]


@pytest.mark.long
def test_03_analysis_of_what_02_has_streamed(streamed: tuple[Path, Ran]) -> None:
    folder, _ = streamed
    ran = run("03_analysis", folder)
    assert "ethereum" in ran.output("by_pandas = ")["text/html"]
    [candles] = ran.traces("candlestick")
    assert len(candles["x"]) == WINDOWS
    correlation, presence = ran.traces("heatmap")
    assert list(correlation["x"]) == list(presence["y"]) == ["bitcoin", "ethereum", "tether"]


@pytest.mark.long
def test_04_backfill_which_streams_first_where_nothing_is_there(tmp_path: Path) -> None:
    ran = run("04_backfill", tmp_path)
    # Two hours of 1m, 5m and 15m and a day of 1h by the stream; by the clock 4h and 1d are over as well.
    assert ran.value("verdicts(streamed)") == {"same bytes": 7, "more": 2}
    assert ran.value("lose(rehearsal")[0] == "the file interval=1m/date=2026-01-05/hour=09/bars.csv"
    assert ran.value("files are as they were") == "9 of 9 files are as they were"
    origins = ran.value("value_counts()")
    # A day of quarters from points five minutes apart; then the stream's hour, and the quarter just before it.
    assert origins == {"history": 96, "ticks": 5}
