import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
import typer
from typer.testing import CliRunner

from jobs import audit_prices, backfill_prices, maintain_tables, stream_prices
from jobs.settings_file import read_settings
from pricestream.config import load_settings
from pricestream.errors import SettingsError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Put = Callable[[str, bytes], str]


@pytest.fixture
def s3(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> "S3Client":
    """What the jobs meet at ``AWS_ENDPOINT_URL``, where no region is set: an EMR step has none."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    # The session of another test has found its credentials already.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    client = boto3.Session().client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="settings")
    return client


@pytest.fixture
def put(s3: "S3Client") -> Put:
    def put(key: str, data: bytes) -> str:
        s3.put_object(Bucket="settings", Key=key, Body=data)
        return f"s3://settings/{key}"

    return put


def refusal(config: str, *overrides: str) -> str:
    with pytest.raises(SettingsError) as error:
        read_settings(config, overrides)
    return str(error.value)


@pytest.mark.parametrize("scheme", ["s3", "s3a"])
def test_an_object_is_read_like_the_same_file(root: Path, put: Put, scheme: str) -> None:
    file = root / "conf" / "emr.yaml"
    uri = put("a folder/emr#1?.yaml", file.read_bytes()).replace("s3://", f"{scheme}://")
    settings = read_settings(uri, ["job.trigger_seconds=7"])
    assert settings.job.trigger_seconds == 7
    assert settings.stream.name == "pricestream"
    assert settings == load_settings(file, ["job.trigger_seconds=7"])


def test_a_path_is_read_from_the_disk(root: Path) -> None:
    file = root / "conf" / "local.yaml"
    assert read_settings(str(file), ["stream.name=other"]) == load_settings(file, ["stream.name=other"])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"stream: {nmae: a}", "stream.nmae: unknown key; did you mean name?"),
        (b"job: {trigger_seconds: -1}", "job.trigger_seconds: "),
        (b"stream: [", "is not YAML: "),
        (b"\xff\xfe", "is not YAML: "),
        (b"- 1", "must hold the sections stream, producer and job"),
    ],
)
def test_what_is_wrong_in_an_object_is_said_of_it_and_of_no_copy(put: Put, data: bytes, said: str) -> None:
    uri = put("wrong.yaml", data)
    text = refusal(uri)
    assert text.startswith(f"{uri}: {said}")
    assert "/tmp" not in text
    assert "\n" not in text


def test_a_wrong_override_is_refused(put: Put) -> None:
    assert refusal(put("empty.yaml", b""), "nothing") == "--set nothing: write it as section.key=value"


@pytest.mark.usefixtures("s3")
def test_what_is_not_there_is_named() -> None:
    assert refusal("s3://settings/none.yaml") == (
        "s3://settings/none.yaml: there is no such object; give the settings file with --config"
    )
    assert refusal("s3://no-such-bucket/a.yaml") == (
        "s3://no-such-bucket/a.yaml: there is no such bucket; give the settings file with --config"
    )


@pytest.mark.parametrize("config", ["s3://", "s3://bucket", "s3://bucket/", "s3:///key"])
def test_half_an_address_is_refused(config: str) -> None:
    assert refusal(config) == f"{config}: names no object; write it as s3://bucket/key"


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server on loopback that answers everything the same."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.usefixtures("s3")
def test_a_denied_object_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    denied = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    with answering(403, denied) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        assert refusal("s3://settings/a.yaml") == (
            "s3://settings/a.yaml: AWS denies it (AccessDenied): allow s3:GetObject on it, and look whether it is there"
        )


@pytest.mark.usefixtures("s3")
def test_an_address_that_is_none_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nowhere")
    assert refusal("s3://settings/a.yaml") == "s3://settings/a.yaml: cannot be read: Invalid endpoint: nowhere"


@pytest.mark.usefixtures("s3")
def test_missing_credentials_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert refusal("s3://settings/a.yaml") == "s3://settings/a.yaml: cannot be read: Unable to locate credentials"


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(
    ("app", "arguments"),
    [
        (stream_prices.app, []),
        (backfill_prices.app, ["--from", "2026-01-01", "--to", "2026-01-02"]),
        (audit_prices.app, []),
        (maintain_tables.app, []),
    ],
    ids=["stream", "backfill", "audit", "maintain"],
)
def test_every_entry_takes_an_object(app: typer.Typer, arguments: list[str]) -> None:
    done = CliRunner().invoke(app, ["--config", "s3://settings/none.yaml", *arguments])
    assert done.exit_code == 2
    said = "error: s3://settings/none.yaml: there is no such object; give the settings file with --config"
    assert said in done.stderr.splitlines()
