from dashboard.health import Tile, make_tiles
from dashboard.model import Market
from dashboard.status import JobStatus
from dashboard.words import LANGUAGES

EN, ES = LANGUAGES["en"], LANGUAGES["es"]
#: 2026-01-05 09:00 UTC.
NOW = 1_767_603_600_000
COUNTS = {"rows": 12_000, "ok": 11_900, "late": 60, "rejected": 40, "heartbeat": 0}


def tiles(status: JobStatus | None, language: str = "en") -> dict[str, Tile]:
    return {tile.name: tile for tile in make_tiles(status, NOW, LANGUAGES[language])}


def test_a_job_at_work_says_where_it_is() -> None:
    status = JobStatus(
        state="running", counts=COUNTS, bars=5000, files=36, batch=1041, watermark_ms=NOW - 200_000,
        stale=(Market("a", "usd"), Market("b\u202e", "eur")), written_ms=NOW - 3000,
    )  # fmt: skip
    found = tiles(status)
    assert found["state"] == Tile("state", "good", "State", "Running", "status written 3 s ago")
    assert found["lag"] == Tile("lag", "calm", "Closed up to", "08:56:40", "2026-01-05, 3 min 20 s behind the clock")
    assert found["batch"] == Tile("batch", "calm", "Last batch", "1,041", "5,000 bars in 36 files since the start")
    assert found["ok"] == Tile("ok", "calm", "Accepted", "11,900", "of 12,000 records")
    assert (found["late"].kind, found["late"].value) == ("warn", "60")
    assert (found["rejected"].kind, found["rejected"].value) == ("warn", "40")
    assert found["stale"] == Tile("stale", "warn", "Stale coins", "2", "no fresh price for long", "a usd, b\ufffd eur")


def test_numbers_are_written_as_the_language_does() -> None:
    found = tiles(JobStatus(state="running", counts=COUNTS, batch=1041, written_ms=NOW), "es")
    assert (found["state"].value, found["state"].hint) == ("En marcha", "estado escrito ahora mismo")
    assert found["batch"].value == "1.041"


def test_a_silent_a_failed_and_an_unknown_job_stand_out() -> None:
    long_ago = NOW - 3_600_000
    assert tiles(JobStatus(state="running", written_ms=long_ago))["state"].kind == "warn"
    assert "silent for too long" in tiles(JobStatus(state="running", written_ms=long_ago))["state"].hint
    assert tiles(JobStatus(state="failed", written_ms=NOW))["state"].kind == "bad"
    assert tiles(JobStatus(written_ms=NOW))["state"][1:4] == ("warn", "State", "Unknown")
    assert tiles(JobStatus(state="stopped", settled=True, written_ms=NOW))["state"].hint.endswith("nothing waits")


def test_nothing_late_and_nothing_stale_is_calm() -> None:
    found = tiles(JobStatus(state="running", counts={"late": 0, "rejected": 0}, written_ms=NOW))
    assert {found[name].kind for name in ("late", "rejected", "stale")} == {"calm"}
    assert found["ok"].value == "\u2013"


def test_a_market_with_its_own_clock_has_no_lag() -> None:
    assert "clock of its own" in tiles(JobStatus(watermark_ms=NOW - 90 * 86_400_000))["lag"].hint


def test_no_status_is_told() -> None:
    assert [tile.value for tile in make_tiles(None, NOW, ES)] == ["Sin estado"]
