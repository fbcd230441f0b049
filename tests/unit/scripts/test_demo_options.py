from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pricestream.config import load_settings
from pricestream.errors import SettingsError
from pricestream.producer_settings import SimulatedSettings
from pricestream.settings import Settings
from scripts.demo_app.options import Options, SourceName, overrides
from scripts.demo_app.place import Place

CONFIG = Path(__file__).resolve().parents[3] / "conf" / "local.yaml"
PLACE = Place(Path("/out/a: folder #1"))


def settings_of(options: Options) -> Settings:
    """The settings that the producer and the job would end up with."""
    return load_settings(CONFIG, overrides(options, PLACE, "http://127.0.0.1:4567"))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "yes: 1e3 'trades' #2.csv"
    path.touch()
    return path


def test_everything_lies_in_the_demos_folder_and_talks_to_the_stand_in() -> None:
    settings = settings_of(Options(SourceName.SIMULATED))
    assert settings.stream.endpoint_url == "http://127.0.0.1:4567"
    job = settings.job
    paths = [job.ticks, job.bars, job.csv, job.checkpoint, job.report, job.stop_file, job.status_file]
    paths.append(settings.producer.state_dir)
    assert len(set(paths)) == 8
    assert all(str(path).startswith("/out/a: folder #1/") for path in paths)


def test_without_options_the_settings_file_decides() -> None:
    chosen, plain = settings_of(Options(SourceName.SIMULATED)), load_settings(CONFIG)
    assert chosen.producer.simulated == plain.producer.simulated
    assert chosen.producer.coins == plain.producer.coins


def test_seed_hours_and_speed_are_the_simulated_markets() -> None:
    simulated = settings_of(Options(SourceName.SIMULATED, seed=0, hours=0.5, speed=2)).producer.simulated
    assert (simulated.seed, simulated.hours, simulated.speed) == (0, 0.5, 2)


@pytest.mark.parametrize(
    ("options", "hours", "speed"),
    [
        ({}, None, 60),
        ({"speed": 0}, None, 0),
        ({"hours": 2}, 2, 60),
    ],
)
def test_a_simulated_market_that_keeps_running_has_no_end(
    options: dict[str, Any], hours: float | None, speed: float
) -> None:
    simulated = settings_of(Options(SourceName.SIMULATED, keep_running=True, **options)).producer.simulated
    assert (simulated.hours, simulated.speed) == (hours, speed)


def test_a_recording_keeps_its_name_whatever_yaml_would_make_of_it(recording: Path) -> None:
    options = Options(SourceName.REPLAY, file=recording, coin_id="ripple", vs_currency="eth", speed=3600)
    producer = settings_of(options).producer
    assert producer.source == "replay"
    assert producer.replay.path == str(recording)
    assert (producer.replay.coin_id, producer.vs_currencies, producer.replay.speed) == ("ripple", ["eth"], 3600)


def test_an_id_that_yaml_would_take_for_a_number_stays_an_id(recording: Path) -> None:
    assert settings_of(Options(SourceName.REPLAY, file=recording, coin_id="1337")).producer.replay.coin_id == "1337"


def test_the_real_api_is_polled_no_faster_than_it_allows_without_a_key() -> None:
    # 5 calls a minute at most; a price is then up to 90 + 60 s old, which the lateness must exceed.
    settings = settings_of(Options(SourceName.COINGECKO))
    assert settings.producer.poll_seconds >= 12
    assert settings.job.allowed_lateness_seconds > settings.producer.poll_seconds + 60


def test_what_the_person_sets_has_the_last_word() -> None:
    options = Options(SourceName.SIMULATED, hours=1, overrides=("producer.simulated.hours=2", "job.trigger_seconds=3"))
    settings = settings_of(options)
    assert settings.producer.simulated.hours == 2
    assert settings.job.trigger_seconds == 3


def test_only_the_real_market_runs_until_stopped_unasked(recording: Path) -> None:
    assert Options(SourceName.COINGECKO).runs_until_stopped
    assert not Options(SourceName.SIMULATED).runs_until_stopped
    assert not Options(SourceName.REPLAY, file=recording).runs_until_stopped
    assert Options(SourceName.SIMULATED, keep_running=True).runs_until_stopped


@pytest.mark.parametrize("wrong", [{"seed": 1}, {"hours": 1.0}])
def test_the_simulated_markets_options_are_not_a_replays(recording: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="only for --source simulated"):
        replace(Options(SourceName.REPLAY, file=recording), **wrong)


@pytest.mark.parametrize("wrong", [{"coin_id": "ripple"}, {"vs_currency": "eth"}])
def test_a_replays_options_are_not_the_simulated_markets(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="only for --source replay"):
        Options(SourceName.SIMULATED, **wrong)


def test_a_recording_belongs_to_a_replay(recording: Path) -> None:
    with pytest.raises(SettingsError, match="FILE is only for --source replay"):
        Options(SourceName.COINGECKO, file=recording)


def test_a_replay_needs_a_recording_that_exists() -> None:
    with pytest.raises(SettingsError, match="needs the recording"):
        Options(SourceName.REPLAY)
    with pytest.raises(SettingsError, match="no such file"):
        Options(SourceName.REPLAY, file=Path("/nowhere.csv"))


def test_the_real_market_has_no_speed() -> None:
    with pytest.raises(SettingsError, match="own time"):
        Options(SourceName.COINGECKO, speed=60)


def test_a_made_up_market_of_a_day_at_most_is_brief(recording: Path) -> None:
    def is_brief(source: SourceName = SourceName.SIMULATED, *, file: Path | None = None, **market: Any) -> bool:
        return Options(source, file=file).is_brief(SimulatedSettings(**market))

    assert is_brief()
    assert is_brief(hours=24, speed=0)
    assert not is_brief(hours=25)
    assert not is_brief(hours=None)
    assert not is_brief(speed=600)
    assert not is_brief(SourceName.COINGECKO)
    assert not is_brief(SourceName.REPLAY, file=recording)
    assert not Options(SourceName.SIMULATED, keep_running=True).is_brief(SimulatedSettings())
