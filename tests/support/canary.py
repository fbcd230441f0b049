"""Made-up credentials with a word in them that must come out nowhere."""

import base64
import json
import traceback
from pathlib import Path

import pytest

from faults.proxy import Answer

CANARY = "canary5f3a9c"
ACCESS_KEY_ID = f"AKIA{CANARY.upper()}"
SECRET = f"{CANARY}/MadeUp+Secret0123456789abcd"
TOKEN = f"{CANARY}-made-up-token-{'0123456789' * 20}=="
API_KEY = f"CG-{CANARY}MadeUpKey0123456789"

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": TOKEN,
    "COINGECKO_API_KEY": API_KEY,
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}


def put_in_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def spellings(word: str) -> list[bytes]:
    """How a word may be written down: as it is, and in base64, wherever in a group of three it begins."""
    shifted = [base64.b64encode(b"x" * shift + word.encode()).rstrip(b"=") for shift in range(3)]
    # Without what the bytes before and behind have a part in.
    return [word.encode(), *(each[4 if shift else 0 : -2] for shift, each in enumerate(shifted))]


def assert_silent(*texts: str | bytes, word: str = CANARY) -> None:
    for text in texts:
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        for spelling in (*spellings(word), *spellings(word.upper())):
            at = data.find(spelling)
            assert at < 0, data[max(0, at - 300) : at + 100]


def assert_silent_files(folder: Path, word: str = CANARY) -> int:
    """Look through every file below a folder, and its name; give how many there are."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in files:
        assert_silent(str(path), path.read_bytes(), word=word)
    return len(files)


def assert_silent_error(error: BaseException) -> None:
    assert_silent(str(error), repr(error), "".join(traceback.format_exception(error)))


def refusal(code: str) -> Answer:
    """Refuse as AWS does, whose canonical string has the headers that are signed, the token among them."""
    message = (
        "The request signature we calculated does not match the signature you provided. The Canonical String for this "
        f"request should have been 'POST\n/\n\nhost:x\nx-amz-security-token:{TOKEN}\n\nhost;x-amz-security-token' "
        f"Credential={ACCESS_KEY_ID}"
    )
    body = json.dumps({"__type": code, "message": message}).encode()
    return Answer(400, body, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code})
