from pathlib import Path

import pytest

from explore import place as places
from explore.place import find_place
from explore.platform import newest_settings, notebook_producer
from pricestream.errors import SettingsError


def test_on_a_laptop_everything_goes_below_one_folder(tmp_path: Path) -> None:
    place = find_place(environ={"PRICESTREAM_LAKE": str(tmp_path / "lake")})
    job = place.settings.job
    assert (place.where, place.is_own, place.lake) == ("laptop", True, tmp_path / "lake")
    written = [job.ticks, job.bars, job.csv, job.checkpoint, job.stop_file, job.status_file, job.backfill.history]
    written += [job.backfill.state_dir, place.settings.producer.state_dir, job.report or ""]
    assert [each for each in written if not each.startswith(f"{tmp_path}/lake/")] == []


def test_without_a_word_the_folder_is_the_checkouts_own(root: Path) -> None:
    assert find_place(environ={}).lake == root / ".local" / "notebook"


def test_settings_can_be_laid_over_by_the_environment_and_by_the_notebook() -> None:
    environ = {"PRICESTREAM_SET": "producer.coins=[bitcoin]\njob.base_interval=5m"}
    settings = find_place("job.base_interval=15m", environ=environ).settings
    assert (settings.producer.coins, settings.job.base_interval) == (["bitcoin"], "15m")


def test_real_prices_are_polled_as_seldom_as_they_may_be() -> None:
    settings = find_place(environ={"PRICESTREAM_SOURCE": "coingecko"}).settings
    assert (settings.producer.source, settings.producer.poll_seconds) == ("coingecko", 90)


def test_an_unknown_source_is_told() -> None:
    with pytest.raises(SettingsError, match="neither simulated nor coingecko"):
        find_place(environ={"PRICESTREAM_SOURCE": "bloomberg"})


def test_a_settings_file_of_ones_own_says_everything(tmp_path: Path) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text("job: {csv: s3://mine/csv}\nstream: {name: mine}")
    place = find_place(environ={"PRICESTREAM_CONFIG": str(config)})
    assert (place.is_own, place.settings.job.csv, place.settings.producer.id) == (False, "s3://mine/csv", "producer-1")
    assert "Kinesis in us-east-1" in repr(place)


def test_on_emr_the_settings_that_were_last_submitted_are_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mark = tmp_path / "job-flow.json"
    mark.touch()
    submitted = tmp_path / "submitted.yaml"
    submitted.write_text("job: {csv: s3://lake/csv}")
    asked: list[str | None] = []

    def newest(stack: str | None) -> str:
        asked.append(stack)
        return str(submitted)

    monkeypatch.setattr(places, "_CLUSTER_FILES", (str(mark),))
    monkeypatch.setattr(places, "newest_settings", newest)
    place = find_place(environ={"PRICESTREAM_STACK": "blue"})
    assert (place.where, place.is_own, place.settings.job.csv) == ("EMR cluster", False, "s3://lake/csv")
    assert asked == ["blue"]
    # A producer of the notebook's own: it must not count on in the platform's place.
    assert place.settings.producer.id.startswith("notebook-")
    assert place.settings.producer.id in notebook_producer()[0]


def test_serverless_is_told_by_its_variables(tmp_path: Path) -> None:
    config = tmp_path / "mine.yaml"
    config.touch()
    environ = {"EMR_SERVERLESS_JOB_RUN_ID": "1", "PRICESTREAM_CONFIG": str(config)}
    assert find_place(environ=environ).where == "EMR Serverless"


def test_the_platforms_newest_settings_are_found_by_its_stack(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    session = boto3.Session(region_name="us-east-1")
    template = """{"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "notebooks-find"}}},
        "Outputs": {"Bucket": {"Value": {"Ref": "Bucket"}}}}"""
    session.client("cloudformation").create_stack(StackName="notebooks", TemplateBody=template)
    with pytest.raises(SettingsError, match=r"s3://notebooks-find/settings is empty; submit a job"):
        newest_settings("notebooks", session)
    for key in ("settings/b.yaml", "settings/a.yaml"):
        session.client("s3").put_object(Bucket="notebooks-find", Key=key, Body=b"")
    # moto has times to the second, as S3 does; of one second the last by name.
    assert newest_settings("notebooks", session) in {
        "s3://notebooks-find/settings/a.yaml",
        "s3://notebooks-find/settings/b.yaml",
    }


def test_a_stack_that_is_not_there_is_told_in_one_line(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    with pytest.raises(SettingsError, match=r"the stack nowhere cannot be looked up: .*PRICESTREAM_CONFIG"):
        newest_settings("nowhere", boto3.Session(region_name="us-east-1"))
