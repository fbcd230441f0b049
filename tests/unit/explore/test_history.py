import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from explore.history import Rehearsal, compare, history_of, lose, verdicts
from explore.place import Place, own_place
from jobs.days import Range
from jobs.history_coingecko import fetch_history
from pricestream.errors import StorageError

NOON = int(datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp())


def tree(root: Path, files: dict[str, str]) -> Place:
    for folder, content in files.items():
        target = root / "csv" / folder / "bars.csv"
        target.parent.mkdir(parents=True)
        target.write_text(content)
    return own_place(root)


def test_each_file_gets_a_verdict(tmp_path: Path) -> None:
    hour, day = "interval=5m/date=2026-01-05/hour=", "interval=1h/date=2026-01-0"
    stream = tree(
        tmp_path / "a",
        {f"{hour}09": "x", f"{hour}10": "x", f"{hour}11": "x", f"{hour}12": "x", f"{day}4/hour=00": "x"},
    )
    made = tree(
        tmp_path / "b",
        # The 4th is over at noon of the 5th, the 5th is not; the hour from 11 to 12 is, that from 12 on is not.
        {f"{hour}09": "x", f"{hour}10": "y", f"{hour}12": "y", f"{day}4/hour=00": "x", f"{day}5/hour=00": "z"},
    )
    found = {row["file"].removesuffix("/bars.csv"): row["verdict"] for _, row in compare(stream, made, NOON).iterrows()}
    assert found == {
        f"{hour}09": "same bytes",
        f"{hour}10": "differs",
        f"{hour}11": "lacking",
        f"{hour}12": "still open",
        f"{day}4/hour=00": "same bytes",
        f"{day}5/hour=00": "more",
    }
    assert verdicts(compare(stream, made, NOON))["same bytes"] == 2


def test_a_file_that_the_stream_should_have_had_is_no_bonus(tmp_path: Path) -> None:
    made = tree(tmp_path / "b", {"interval=5m/date=2026-01-05/hour=11": "x"})
    assert verdicts(compare(tree(tmp_path / "a", {}), made, NOON)) == {"differs": 1}


def test_nothing_is_lost_but_in_a_rehearsal(tmp_path: Path) -> None:
    real = tree(tmp_path, {"interval=1m/date=2026-01-05/hour=09": "x"})
    days = Range.parse("2026-01-05", "2026-01-06")
    with pytest.raises(StorageError, match="is no rehearsal"):
        lose(Rehearsal(real, days, NOON), None, "bitcoin")  # type: ignore[arg-type]  # it comes to no Spark
    assert len(list((tmp_path / "csv").rglob("bars.csv"))) == 1


def test_where_prices_are_made_up_history_is_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRICESTREAM_MADE_UP_KEY", raising=False)
    place = own_place(tmp_path)
    days = Range.parse("2026-01-04", "2026-01-05")
    with history_of(place, days) as asked:
        [file] = fetch_history(
            asked.settings,
            start_s=days.start_s,
            end_s=days.end_s,
            coins=["bitcoin"],
            dry_run=False,
            console=Console(quiet=True),
        )
    points = [json.loads(line) for line in Path(file).read_text().splitlines()]
    # A point every five minutes, from midnight to midnight.
    assert len(points) == 288
    assert points[0]["event_time"] == days.start_s * 1000
    assert place.settings.producer.coingecko.base_url is None
    assert asked.settings.producer.coingecko.base_url is not None


def test_where_prices_are_real_coingecko_is_asked(tmp_path: Path) -> None:
    place = own_place(tmp_path, source="coingecko")
    with history_of(place, Range.parse("2026-01-04", "2026-01-05")) as asked:
        assert asked is place
