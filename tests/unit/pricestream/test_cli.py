import logging
import subprocess
import sys

import pytest

from pricestream.cli import LineFormatter, exit_code_of, harmless
from pricestream.errors import StreamError

#: A line of log that nobody wrote; a screen wiped, a title, other ends of lines, and text that runs backwards.
HOSTILE = "a\n2026-01-05T09:00:00.000Z ERROR   root: lost\r\x1b[2J\x1b]0;title\x07\x85\u2028\u202e\u2066\x9b31m\x00b"


@pytest.fixture
def record() -> logging.LogRecord:
    return logging.LogRecord("producer", logging.WARNING, "", 1, "the answer was %s", (HOSTILE,), None)


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_success_is_zero() -> None:
    assert exit_code_of(lambda: None) == 0


def test_a_mistake_is_one_line_and_its_own_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        raise StreamError("stream x does not exist")

    assert exit_code_of(work) == 4
    assert capsys.readouterr().err == "error: stream x does not exist\n"


def test_a_defect_of_ours_is_not_hidden() -> None:
    def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        exit_code_of(work)


def test_no_text_moves_the_cursor_or_begins_a_line() -> None:
    assert harmless("Grüße, ₿ 1.5") == "Grüße, ₿ 1.5"
    assert harmless("a\n\x1b[31m\u202eb") == "a\\n\\x1b[31m\\u202eb"
    assert harmless(HOSTILE).isprintable()


def test_an_error_s_text_is_one_line_that_moves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        raise StreamError(HOSTILE)

    exit_code_of(work)
    said = capsys.readouterr().err
    assert said.endswith("\n")
    assert said.removesuffix("\n").isprintable()


def test_a_line_of_log_stays_one(record: logging.LogRecord) -> None:
    line = LineFormatter("%(levelname)-7s %(name)s: %(message)s").format(record)
    assert line.startswith("WARNING producer: the answer was a\\n2026-01-05")
    assert line.isprintable()


def test_the_lines_of_a_traceback_stay_lines(record: logging.LogRecord) -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError as error:
        record.exc_info = (ValueError, error, error.__traceback__)
    lines = LineFormatter("%(message)s").format(record).split("\n")
    assert lines[1] == "Traceback (most recent call last):"
    assert all(line.isprintable() for line in lines)


def test_logging_begins_with_such_lines_and_leaves_credentials_to_who_asked_for_them() -> None:
    code = (
        "import logging\n"
        "from pricestream.cli import start_logging\n"
        "start_logging(verbose=True)\n"
        "logging.getLogger('coingecko').debug('a\\n\\x1b[1mb')\n"
        # What boto3 says where a helper's credentials cannot be renewed has the helper's own words behind it.
        "logging.getLogger('botocore.credentials').warning('Refreshing failed')\n"
        "logging.getLogger('urllib3.connectionpool').debug('GET')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    [line] = done.stderr.splitlines()
    assert line.endswith("Z DEBUG   coingecko: a\\n\\x1b[1mb")


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_a_credential_of_the_environment_is_masked_whatever_says_it(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], record: logging.LogRecord
) -> None:
    secret = "canary/4f1d8a60+a5b3"
    monkeypatch.setenv(name, secret)

    def work() -> None:
        raise StreamError(f"the canonical string is x-amz-security-token:{secret} and more")

    exit_code_of(work)
    assert capsys.readouterr().err == "error: the canonical string is x-amz-security-token:*** and more\n"
    record.args = (secret,)
    assert LineFormatter("%(message)s").format(record) == "the answer was ***"
    # A stand-in takes any; a word that is everywhere must not become stars.
    monkeypatch.setenv(name, "answer")
    record.args = ("x",)
    assert LineFormatter("%(message)s").format(record) == "the answer was x"
