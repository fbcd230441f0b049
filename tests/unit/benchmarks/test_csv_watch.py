"""When a bar is first seen, in files that are replaced."""

from pathlib import Path

from benchmarks.csv_watch import CsvWatch, SeenBar
from benchmarks.live_feed import Bar

HEADER = "coin_id,window_start,open,close,tick_count,is_final\n"
FIRST = "bitcoin,2026-01-05T00:00:00Z,0.1,0.2,10,true\n"
SECOND = "bitcoin,2026-01-05T00:00:10Z,0.3,0.4,9,true\n"
#: 2026-01-05T00:00:00Z.
START_MS = 1_767_571_200_000


def put(root: Path, text: str, interval: str = "10s") -> None:
    folder = root / f"interval={interval}" / "date=2026-01-05" / "hour=00"
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / ".bars.csv.tmp"
    new.write_text(HEADER + text)
    new.replace(folder / "bars.csv")


def test_a_bar_keeps_the_time_of_the_first_file_that_has_it(tmp_path: Path) -> None:
    watch = CsvWatch(tmp_path, "10s")
    watch.look(lambda: 1_000)
    assert watch.seen == {}
    put(tmp_path, FIRST)
    watch.look(lambda: 2_000)
    put(tmp_path, FIRST + SECOND)
    watch.look(lambda: 3_000)
    assert watch.seen == {
        ("bitcoin", START_MS): SeenBar(2_000, Bar(0.1, 0.2, 10)),
        ("bitcoin", START_MS + 10_000): SeenBar(3_000, Bar(0.3, 0.4, 9)),
    }


def test_it_reads_a_file_only_where_it_has_changed(tmp_path: Path) -> None:
    watch = CsvWatch(tmp_path, "10s")
    put(tmp_path, FIRST)
    reads = []
    for at_ms in (1, 2, 3):
        watch.look(lambda at_ms=at_ms: reads.append(at_ms) or at_ms)  # type: ignore[misc, func-returns-value]
    assert reads == [1]


def test_bars_of_other_intervals_and_such_as_are_not_final_are_none(tmp_path: Path) -> None:
    watch = CsvWatch(tmp_path, "10s")
    put(tmp_path, FIRST, interval="5m")
    put(tmp_path, SECOND.replace("true", "false"))
    watch.look(lambda: 1)
    assert watch.seen == {}
