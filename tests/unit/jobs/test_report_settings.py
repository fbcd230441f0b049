"""What the report says of the run and of what it leaves out."""

import pytest

from jobs.report_settings import omissions, run_settings, source_detail
from pricestream.job_settings import JobSettings
from pricestream.producer_settings import ProducerSettings, ReplaySettings
from pricestream.settings import Settings, StreamSettings


def test_the_run() -> None:
    said = dict(run_settings(Settings(job=JobSettings(allowed_lateness_seconds=180, csv="s3://lake/csv"))))
    assert said["Allowed lateness"] == "3 min"
    # And two minutes of tolerance for clocks.
    assert said["Watermark delay"] == "5 min"
    assert said["CSV"] == "s3://lake/csv"
    assert said["Kinesis"] == "us-east-1"


def test_a_stand_in_is_called_one() -> None:
    stream = StreamSettings(endpoint_url="http://user:secret@127.0.0.1:5555")
    said = dict(run_settings(Settings(stream=stream)))
    assert said["Kinesis"] == "stand-in"
    assert "secret" not in str(said)


@pytest.mark.parametrize(
    ("producer", "detail"),
    [
        (ProducerSettings(source="simulated"), "seed 7"),
        (ProducerSettings(source="replay", replay=ReplaySettings(path="/home/someone/trades.csv.gz")), "trades.csv.gz"),
        (ProducerSettings(source="replay"), ""),
        (ProducerSettings(source="coingecko"), ""),
    ],
)
def test_the_source(producer: ProducerSettings, detail: str) -> None:
    assert source_detail(producer) == detail


def test_omissions() -> None:
    assert omissions(others=0, older_bars=0, windows=500) == ()
    assert omissions(others=16, older_bars=2_183, windows=500) == (
        "Shown are the newest 500 windows; older bars in the table: 2,183.",
        "Coins with bars in these windows that are not shown: 16.",
    )
