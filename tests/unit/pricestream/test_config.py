from collections.abc import Callable
from pathlib import Path

import pytest

from pricestream.config import load_settings
from pricestream.errors import SettingsError

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(text: str) -> Path:
        path = tmp_path / "settings.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return _write


def refusal(path: Path, *overrides: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(path, overrides)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_every_environment_of_the_project_is_valid(root: Path) -> None:
    files = sorted((root / "conf").glob("*.yaml"))
    assert files
    for path in files:
        load_settings(path)


def test_an_empty_file_is_all_defaults(write: Write) -> None:
    settings = load_settings(write(""))
    assert settings.producer.poll_seconds == 90
    assert settings.job.kinesis.starting_position == "TRIM_HORIZON"
    assert settings.job.kinesis.fail_on_data_loss
    # Five minutes of allowed lateness and two of clock skew.
    assert settings.job.watermark_seconds == 420


def test_a_longer_watermark_may_be_asked_for(write: Write) -> None:
    assert load_settings(write("job: {watermark_delay_seconds: 3600}")).job.watermark_seconds == 3600


def test_an_override_has_the_last_word(write: Write) -> None:
    settings = load_settings(
        write("stream: {name: a}"), ["stream.name=b", "producer.coins=[cardano]", "job.report=null"]
    )
    assert (settings.stream.name, settings.producer.coins, settings.job.report) == ("b", ["cardano"], None)


def test_an_override_may_open_a_section(write: Write) -> None:
    assert load_settings(write(""), ["job.spark.master=local[1]"]).job.spark.master == "local[1]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stream: {nmae: x}", "stream.nmae: unknown key; did you mean name?"),
        ("job: {kinesis: {zzz: 1}}", "job.kinesis.zzz: unknown key; known here: connector,"),
        ("streem: {}", "streem: unknown key; did you mean stream?"),
        ("job: {allowed_lateness_seconds: -5}", "job.allowed_lateness_seconds: input should be greater than"),
        ("job: {base_interval: 7m}", "job.base_interval: must divide a day evenly"),
        ("job: {base_interval: soon}", "'soon' is not an interval"),
        ("producer: {coins: [BTC]}", "producer.coins.0: must be lower case"),
        ("producer: {poll_seconds: 600}", "set it above 660"),
        ("job: {watermark_delay_seconds: 60}", "accepted ticks may be 420 s apart"),
        ("job: {kinesis: {connector: awslabs, max_fetch_seconds_per_shard: 5}}", "must be 10 or more for the awslabs"),
        ("job: {kinesis: {consumer_type: SubscribeToShard}}", "needs a consumer_name"),
        ("job: {spark: {conf: {spark.speculation: 'true'}}}", "spark.speculation must stay as the job sets it"),
        ("job: {trigger_seconds: .inf}", "job.trigger_seconds"),
        ("- a", "must hold the sections stream, producer and job"),
        ("a: [", "is not YAML"),
    ],
)
def test_what_is_wrong_names_itself_and_says_what_would_be_right(write: Write, text: str, said: str) -> None:
    assert said in refusal(write(text))


def test_every_mistake_is_told_at_once(write: Write) -> None:
    text = refusal(write("stream: {nmae: x, shards: 0}"))
    assert "stream.nmae" in text
    assert "stream.shards" in text


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "no.yaml")


@pytest.mark.parametrize("override", ["a", "=1", "stream.=1", ".name=1"])
def test_an_override_that_is_none_is_told(write: Write, override: str) -> None:
    assert "write it as section.key=value" in refusal(write(""), override)
