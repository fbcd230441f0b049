import json
from pathlib import Path
from typing import Any

import pytest

from coingecko.verdict import GiveUp, Ok, Retry, classify

POLLED = 1_700_000_000_123


def recorded(shared_data: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((shared_data / "coingecko").glob("*.json"))]


def test_every_recorded_error_gives_the_right_verdict(shared_data: Path) -> None:
    seen = set()
    for answer in recorded(shared_data):
        if answer["status"] == 200:
            continue
        body = json.dumps(answer["body"]).encode()
        verdict = classify(answer["status"], answer["headers"], body, now_ms=POLLED, key_env="KEY")
        if answer["status"] == 500:
            assert verdict == Retry("CoinGecko answered 500: Internal Server Error")
        else:
            assert verdict == GiveUp(f"CoinGecko refuses the request (422): {answer['body']['error']}")
        seen.add((answer["status"], answer["body"]["error"]))
    assert seen == {
        (422, "Missing parameter ids"),
        (422, "Missing parameter vs_currency"),
        (422, "Missing parameter date"),
        (500, "Internal Server Error"),
    }


def verdict(status: int, body: bytes = b"{}", **headers: str) -> Ok | Retry | GiveUp:
    return classify(status, {"Retry-After": headers["after"]} if headers else {}, body, now_ms=POLLED, key_env="KEY")


def test_what_may_pass_is_tried_again() -> None:
    for status in (408, 429, 500, 502, 503, 504, 520):
        assert verdict(status, b"<html>") == Retry(f"CoinGecko answered {status}")
    assert verdict(429, after="119") == Retry("CoinGecko answered 429", 119.0)
    assert verdict(503, after="7") == Retry("CoinGecko answered 503", 7.0)


def test_an_error_may_hide_in_a_200() -> None:
    assert verdict(200, b'{"status":{"error_code":429,"error_message":"busy"}}') == Retry(
        "CoinGecko answered 429: busy"
    )
    assert verdict(200, b'{"status":500,"error":"Internal Server Error"}') == Retry(
        "CoinGecko answered 500: Internal Server Error"
    )
    assert isinstance(verdict(200, b'{"error":{"status":{"error_code":10002}}}'), GiveUp)
    assert isinstance(verdict(200, b'{"error":"coin not found"}'), GiveUp)
    assert isinstance(verdict(200, b'{"error":"invalid vs_currency"}'), GiveUp)
    assert isinstance(verdict(200, b'{"error":"no such plan","status":403}'), GiveUp)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":"internal error, try later"}', "internal error, try later"),
        (b'{"error":"could not find a free worker"}', "could not find a free worker"),
        (b'{"status":{"error_code":null,"error_message":"busy"}}', "busy"),
    ],
)
def test_an_error_in_a_200_that_nobody_knows_is_tried_again(body: bytes, message: str) -> None:
    assert verdict(200, body) == Retry(f"CoinGecko answered 200 with an error: {message}")


@pytest.mark.parametrize("body", [b"<!DOCTYPE html>", b"", b'{"bitcoin":', b"\xff\xfe", b"[" * 100_000])
@pytest.mark.parametrize("status", [200, 302, 400, 403, 404])
def test_an_answer_without_json_is_some_box_on_the_way_and_is_tried_again(status: int, body: bytes) -> None:
    assert verdict(status, body) == Retry(f"CoinGecko answered {status} with something other than JSON")


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 422])
def test_what_will_not_pass_is_given_up(status: int) -> None:
    assert isinstance(verdict(status, b'{"error":"no"}'), GiveUp)


def test_a_refused_key_needs_no_json() -> None:
    refused = GiveUp("CoinGecko refuses the API key (401): put a valid one in KEY, or set producer.coingecko.plan")
    assert verdict(401, b"<html>") == refused


def test_a_good_answer_is_taken() -> None:
    assert verdict(200, b'{"bitcoin":{"usd":1}}') == Ok({"bitcoin": {"usd": 1}})


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 86400 ", 86_400.0),
        # 2023-11-14T22:13:20.123Z is the moment of asking.
        ("Tue, 14 Nov 2023 22:15:20 GMT", 119.877),
        ("Tue, 14 Nov 2023 22:15:20", 119.877),
        ("Tue, 14 Nov 2023 21:00:00 GMT", 0.0),
        ("9" * 400, 1e9),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_in_seconds_or_a_date(value: str, seconds: float | None) -> None:
    result = verdict(429, after=value)
    assert isinstance(result, Retry)
    assert result.after == (None if seconds is None else pytest.approx(seconds, abs=1e-6))


@pytest.mark.parametrize("off_seconds", [-86_400, 0, 86_400])
def test_a_date_to_wait_for_is_one_on_the_server_s_clock(off_seconds: int) -> None:
    headers = {"Retry-After": "Mon, 05 Jan 2026 09:01:17 GMT", "Date": "Mon, 05 Jan 2026 09:00:00 GMT"}
    ours_ms = (1_767_603_600 + off_seconds) * 1000
    verdict = classify(429, headers, b"", now_ms=ours_ms, key_env="KEY")
    assert isinstance(verdict, Retry)
    assert verdict.after == 77.0


def test_a_date_that_is_none_leaves_our_own_clock() -> None:
    headers = {"Retry-After": "Mon, 05 Jan 2026 09:01:17 GMT", "Date": "soon"}
    verdict = classify(429, headers, b"", now_ms=1_767_603_600_000, key_env="KEY")
    assert isinstance(verdict, Retry)
    assert verdict.after == 77.0
