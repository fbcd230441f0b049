"""The picture of the report, drawn from trees made by hand."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer
from typer.testing import CliRunner

from pricestream.errors import StorageError
from scripts.report_picture import draw, main, read_coins, read_counts

HEADER = "coin_id,vs_currency,window_start,window_end,open,high,low,close,tick_count,is_final\n"
#: Three minutes of one coin across an hour: up, up, and down below its first open.
NINE = """\
bitcoin,usd,2026-01-05T09:58:00Z,2026-01-05T09:59:00Z,100.0,104.0,99.0,102.0,6,true
bitcoin,usd,2026-01-05T09:59:00Z,2026-01-05T10:00:00Z,102.0,110.0,101.0,109.0,3,true
"""
TEN = """\
aave,usd,2026-01-05T10:00:00Z,2026-01-05T10:01:00Z,5.0,5.0,5.0,5.0,1,true
bitcoin,usd,2026-01-05T10:00:00Z,2026-01-05T10:01:00Z,109.0,109.0,80.0,90.0,4,true
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for hour, rows in (("09", NINE), ("10", TEN)):
        folder = tmp_path / "csv" / "interval=1m" / "date=2026-01-05" / f"hour={hour}"
        folder.mkdir(parents=True)
        (folder / "bars.csv").write_text(HEADER + rows, encoding="utf-8")
    return tmp_path / "csv"


def picture(tree: Path, counts: dict[str, int] | None = None) -> str:
    return draw(read_coins(tree, "1m", ["bitcoin"]), counts or {}, interval="1m", source="Simulated")


def words(svg: str) -> list[str]:
    texts = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return [" ".join(part.strip() for part in text.itertext() if part.strip()) for text in texts]


def shapes(svg: str, kind: str) -> list[str]:
    (path,) = re.findall(rf'<path class="{kind}" d="([^"]*)"/>', svg)
    return [f"M{part}" for part in path.split("M")[1:]]


def test_the_words_are_those_of_the_tree(tree: Path) -> None:
    said = words(picture(tree))
    assert "2026-01-05 09:58 \N{EN DASH} 10:01 UTC (3 min)" in said
    # The chart's coin is the first of the order; 90 against 100.
    assert said.count("\N{MINUS SIGN}10.00%") == 2
    assert "High 110.000 Low 80.000 Ticks 13 Bars 3 Empty windows 0" in said
    assert said.index("bitcoin USD") < said.index("aave USD")


def test_each_bar_is_one_candle_and_one_column(tree: Path) -> None:
    svg = picture(tree)
    for kind in ("up", "wick up", "up v"):
        assert len(shapes(svg, kind)) == 2
    for kind in ("down", "wick down", "down v"):
        assert len(shapes(svg, kind)) == 1


def test_a_wick_goes_from_high_to_low(tree: Path) -> None:
    ends = [[float(number) for number in re.findall(r"[\d.]+", each)][1:] for each in shapes(picture(tree), "wick up")]
    (top, bottom), (higher, _) = ends
    # 104 to 99, beside 110: the scale is the same all over, so 5 in price are 5/6 of 6.
    assert (bottom - top) / (top - higher) == pytest.approx(5 / 6, abs=0.01)


def test_counts_come_from_the_status_file_or_not_at_all(tree: Path) -> None:
    assert read_counts(tree.parent / "status.json") == {}
    assert {"Coins", "Bars", "Ticks"} <= set(words(picture(tree)))
    counts = {"rows": 1000, "ok": 990, "late": 0, "rejected": 3, "heartbeat": 7}
    (tree.parent / "status.json").write_text(json.dumps({"ticks": counts}), encoding="utf-8")
    said = words(picture(tree, read_counts(tree.parent / "status.json")))
    assert {"1,000", "990 99%", "0", "3 0.3%", "7 0.7%"} <= set(said)


def test_text_from_the_tree_is_text_in_the_picture(tree: Path) -> None:
    file = tree / "interval=1m" / "date=2026-01-05" / "hour=10" / "bars.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("aave", "<b>&"), encoding="utf-8")
    assert "<b>& USD" in words(picture(tree))


def test_no_tree_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="holds no bars of 1m"):
        read_coins(tmp_path, "1m")


def test_the_same_tree_gives_the_same_bytes(tree: Path, tmp_path: Path, root: Path) -> None:
    app = typer.Typer()
    app.command()(main)
    written = []
    for name in ("one.svg", "two.svg"):
        out = tmp_path / name
        done = CliRunner().invoke(app, [str(tree), "--out", str(out), "--config", str(root / "conf/local.yaml")])
        assert done.exit_code == 0
        written.append(out.read_bytes())
    assert written[0] == written[1]
    assert written[0].startswith(b"<svg ")
