"""A secret among the settings is refused, and whoever reads the refusal does not learn it."""

from pathlib import Path

import pytest

from pricestream.config import load_settings
from pricestream.errors import PricestreamError, SettingsError
from pricestream.secret import has_user, is_secret_name
from tests.conftest import ROOT
from tests.support.canary import ACCESS_KEY_ID, API_KEY, CANARY, SECRET, TOKEN, assert_silent_error


@pytest.mark.parametrize(
    "address",
    [
        "http://user@host",
        "https://user:pw@host:443/x",
        "s3a://KEY:abc/def+g@bucket/ticks",
        "s3://KEY:12ab@bucket",
    ],
)
def test_a_user_before_the_host_is_found(address: str) -> None:
    assert has_user(address)


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:5555", "http://127.0.0.1:5555/a@b", "s3://bucket/a@b", "/home/a@b/ticks", "a@b", "s3://b/x:y@z"],
)
def test_an_at_sign_elsewhere_is_none(address: str) -> None:
    assert not has_user(address)


def test_what_has_the_name_of_a_secret_in_spark() -> None:
    assert is_secret_name("spark.hadoop.fs.s3a.secret.key")
    assert is_secret_name("spark.hadoop.fs.s3.awsAccessKeyId")
    assert is_secret_name("spark.ssl.keyStorePassword")
    assert is_secret_name("spark.executor.extraJavaOptions", "-Xmx1g -Daws.sessionToken=x")
    assert not is_secret_name("spark.hadoop.fs.s3a.aws.credentials.provider", "com.amazonaws.auth.Provider")
    assert not is_secret_name("spark.driver.extraJavaOptions", "-Duser.timezone=UTC -XX:+UseG1GC")
    assert not is_secret_name("spark.jars", "/opt/tokenizer.jar")


#: Where the settings, or what is laid over them, could hold a secret.
PLACES = [
    f"producer.coingecko.api_key={API_KEY}",
    f"producer.coingecko.api_key_env={API_KEY}",
    f"producer.coingecko.base_url=http://user:{API_KEY}@127.0.0.1:1",
    f"producer.coingecko={API_KEY}",
    f"producer.replay.path=s3://{ACCESS_KEY_ID}:{SECRET}@bucket/x.csv",
    f"stream.endpoint_url=http://{ACCESS_KEY_ID}:{SECRET}@127.0.0.1:1",
    f"job.s3.endpoint_url=http://{ACCESS_KEY_ID}:{SECRET}@127.0.0.1:1",
    f"job.ticks=s3a://{ACCESS_KEY_ID}:{SECRET}@bucket/ticks",
    f"job.backfill.history=s3://{ACCESS_KEY_ID}:{SECRET}@bucket/history",
    f'job.spark.conf={{spark.hadoop.fs.s3a.secret.key: "{SECRET}"}}',
    f'job.spark.conf={{spark.hadoop.fs.s3a.access.key: "{ACCESS_KEY_ID}"}}',
    f'job.spark.conf={{spark.hadoop.fs.s3a.session.token: "{TOKEN}"}}',
    f'job.spark.conf={{spark.driver.extraJavaOptions: "-Daws.secretAccessKey={SECRET}"}}',
    f'job.spark.conf=["{SECRET}"]',
    f"={SECRET}",
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.partition(CANARY)[0])
def test_a_secret_among_the_settings_is_refused_and_not_repeated(place: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(ROOT / "conf" / "local.yaml", [place])
    assert_silent_error(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        # What is wrong is another line, a line before, or the whole section.
        f"producer:\n  coingecko:\n    api_key: {API_KEY}: x",
        f"a: [\nkey: {SECRET}",
        f"job:\n  base_interval: 1m\n  intervals: [90s]\n  spark: {{conf: {{spark.mine: '{SECRET}'}}}}",
        f"- {SECRET}",
    ],
)
def test_a_file_that_cannot_be_used_is_not_repeated(text: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(PricestreamError) as caught:
        load_settings(path)
    assert_silent_error(caught.value)
