"""The producer in this process, and the stand-in that the notebooks share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from explore import local_stream
from explore.local_stream import hold_lake, join_stream, running_stand_in, write_address
from explore.place import Place, own_place
from explore.producing import feed, producer_says, start_producer
from explore.records import Tail, missing_numbers, watch_records
from pricestream.errors import SettingsError, StorageError, StreamError

SETS = ("producer.coins=[bitcoin, tether]", "producer.simulated.hours=0.05", "producer.simulated.speed=0")


@pytest.fixture
def own_environment() -> Iterator[None]:
    """Put the environment back, which a kernel would keep as the notebook sets it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
    local_stream._held.close()


@pytest.mark.usefixtures("own_environment")
def test_a_notebook_feeds_a_stream_of_its_own_and_another_finds_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = join_stream(own_place(tmp_path / "lake", SETS))
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "stand-in"
    assert "AWS_PROFILE" not in os.environ

    producer = feed(place)
    assert producer is not None
    tail = Tail(place)
    watch_records(tail, producer)
    summary = producer.stop()
    # 180 s of it, polled every 10 s: 18 polls of two coins, each with a heartbeat, and one that closes the last window.
    assert len(tail.prices()) == summary["ticks"] == 36
    assert len(tail.records()) == summary["sent"] == 36 + 19
    assert missing_numbers(tail.records()) == {"laptop": 0}
    assert tail.newest["coin_id"] in ("bitcoin", "tether")
    assert "55      36          19" in capsys.readouterr().out

    # Another notebook of the same folder finds the stand-in, and that the stream is fed.
    again = join_stream(own_place(tmp_path / "lake", SETS))
    assert again.settings.stream.endpoint_url == place.settings.stream.endpoint_url
    assert feed(again) is None
    assert len(Tail(again).records()) == 0
    assert Tail(again).read() == 55


def test_what_is_missing_is_counted() -> None:
    import pandas as pd

    records = pd.DataFrame({"producer_id": ["a", "a", "a", "b"], "seq": [1, 2, 5, 7]})
    assert missing_numbers(records) == {"a": 2, "b": 0}


def test_a_stand_in_that_is_gone_is_not_found(tmp_path: Path) -> None:
    assert running_stand_in(tmp_path) is None
    write_address(tmp_path, "http://127.0.0.1:9")
    assert running_stand_in(tmp_path) is None
    (tmp_path / "stand-in.json").write_text("[]")
    assert running_stand_in(tmp_path) is None


def test_a_lake_of_a_stream_that_is_gone_is_moved_aside(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    with hold_lake(lake, keep=True):
        (lake / "ticks").mkdir()
        write_address(lake, "http://127.0.0.1:9")
    with hold_lake(lake, keep=True):
        assert not (lake / "ticks").exists()
        assert (tmp_path / "lake-1" / "ticks").exists()
        with (
            pytest.raises(StorageError, match="is at work in it"),
            hold_lake(lake, keep=True),
        ):
            pass


def test_a_lake_that_notebooks_did_not_make_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ticks").mkdir()
    with pytest.raises(StorageError, match="was not made by notebooks"), hold_lake(tmp_path, keep=False):
        pass
    assert (tmp_path / "ticks").exists()


def test_what_ends_a_producer_before_its_time_is_raised(tmp_path: Path) -> None:
    place = own_place(tmp_path, (*SETS, "producer.simulated.start=tomorrow"))
    with pytest.raises(SettingsError, match="tomorrow"):
        start_producer(place)
    assert producer_says(place) == {}


def test_on_aws_the_stream_must_be_there(tmp_path: Path, moto_url: str) -> None:
    settings = own_place(tmp_path, ("stream.name=nowhere",), endpoint_url=moto_url).settings
    with pytest.raises(StreamError, match="stream nowhere does not exist"):
        join_stream(Place("EMR cluster", settings, "s3://settings"))
