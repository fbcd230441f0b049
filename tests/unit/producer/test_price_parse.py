import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from producer.parse import ApiError, absent_currencies, find_error, parse_prices, refusal
from producer.quote import Quote
from producer.verdict import GiveUp, Ok, Retry, classify

POLLED = 1_700_000_000_123


def recorded(shared_data: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((shared_data / "coingecko").glob("*.json"))]


def test_every_recorded_price_parses(shared_data: Path) -> None:
    found = []
    for answer in recorded(shared_data):
        parts = urlsplit(answer["request"]["uri"])
        if not parts.path.endswith("/simple/price") or answer["status"] != 200:
            continue
        query = parse_qs(parts.query)
        ids = query["ids"][0].replace(" ", "").split(",")
        currencies = query["vs_currencies"][0].replace(" ", "").split(",")
        assert find_error(answer["body"]) is None
        prices = parse_prices(answer["body"], ids=ids, currencies=currencies, polled_at=POLLED)
        found += [(quote.coin_id, quote.vs_currency, quote.price) for quote in prices.quotes]
        assert prices.undated == {"bitcoin"}
        assert len(prices.quotes) + sum(1 for name in prices.missing if " in " in name) == len(currencies)
        assert {name for name in prices.missing if " in " not in name} == set(ids) - {"bitcoin"}
    assert sorted(found) == [
        ("bitcoin", "myr", 203620.0),
        ("bitcoin", "usd", 49013.0),
        ("bitcoin", "usd", 49253.0),
        ("bitcoin", "usd", 49357.0),
        ("bitcoin", "usd", 49357.0),
    ]


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


def test_all_fields_of_a_price_are_read() -> None:
    body = {
        "bitcoin": {
            "usd": 64000.5,
            "usd_market_cap": 1.2e12,
            "usd_24h_vol": 3.4e10,
            "usd_24h_change": -1.25,
            "last_updated_at": 1_700_000_000,
        }
    }
    prices = parse_prices(body, ids=["bitcoin"], currencies=["usd"], polled_at=POLLED)
    assert prices.quotes == [
        Quote("bitcoin", "usd", 64000.5, 1_700_000_000_000, POLLED, 1.2e12, 3.4e10, -1.25, None),
    ]
    assert prices.missing == []
    assert prices.undated == frozenset()


@pytest.mark.parametrize("price", [None, "64000", 0, -1, True, float("nan"), float("inf"), 10**400, [], {}])
def test_a_price_that_is_none_is_missing_and_the_others_go_on(price: object) -> None:
    body = {"tether": {"usd": price, "last_updated_at": 1_700_000_000}, "aave": {"usd": 1e-15, "last_updated_at": 1}}
    prices = parse_prices(body, ids=["tether", "unheard-of", "aave"], currencies=["usd"], polled_at=POLLED)
    assert prices.missing == ["tether in usd", "unheard-of"]
    assert [(quote.coin_id, quote.price, quote.event_time) for quote in prices.quotes] == [("aave", 1e-15, 1000)]


def test_every_other_number_may_be_null() -> None:
    body = {"aave": {"usd": 5, "usd_market_cap": None, "usd_24h_vol": None, "last_updated_at": None}}
    prices = parse_prices(body, ids=["aave"], currencies=["usd"], polled_at=POLLED)
    assert prices.quotes == [Quote("aave", "usd", 5.0, POLLED, POLLED)]
    assert prices.undated == {"aave"}


@pytest.mark.parametrize("body", [None, [], "text", 3])
def test_what_is_no_answer_is_said_to_be_none(body: object) -> None:
    with pytest.raises(ValueError, match="not an object"):
        parse_prices(body, ids=["aave"], currencies=["usd"], polled_at=POLLED)
    assert find_error(body) is None
    assert absent_currencies(body, ["usd"]) == []


def test_a_currency_that_no_coin_has_is_absent_and_a_null_is_not() -> None:
    body = {"bitcoin": {"usd": 1, "eur": None}, "aave": {}}
    assert absent_currencies(body, ["usd", "eur", "uds"]) == ["uds"]
    assert absent_currencies({}, ["usd"]) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"status": {"error_code": 429, "error_message": "slow\n down"}}, ApiError(429, "slow down")),
        ({"error": "coin not found"}, ApiError(None, "coin not found")),
        ({"error": {"status": {"error_code": 10002, "error_message": "no key"}}}, ApiError(10002, "no key")),
        ({"status": 500, "error": "Internal Server Error"}, ApiError(500, "Internal Server Error")),
        ({"error_code": 10005, "status": {"error_message": "?"}}, ApiError(10005, "")),
        # The coins Status and Error are coins.
        ({"status": {"usd": 0.03}}, None),
        ({"error": {"usd": 0.03}, "status": {"usd": 0.03}}, None),
    ],
)
def test_errors_are_found_in_all_shapes(body: object, expected: ApiError | None) -> None:
    assert find_error(body) == expected


def test_long_messages_are_cut() -> None:
    error = find_error({"error": "x" * 5_000})
    assert error is not None
    assert len(error.message) == 200


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, ApiError(10002, "API Key Missing"), ["refuses the API key", "10002", "MY_KEY"]),
        (401, None, ["refuses the API key", "401", "MY_KEY"]),
        (400, ApiError(10010, ""), ["another plan's host", "10010", "producer.coingecko.plan"]),
        (400, ApiError(10011, ""), ["another plan's host", "10011", "producer.coingecko.plan"]),
        (401, ApiError(10005, ""), ["plan does not include", "10005"]),
        (422, ApiError(None, "invalid vs_currency"), ["does not know a currency", "producer.vs_currencies"]),
        (404, ApiError(None, "coin not found"), ["does not know a coin", "producer.coins"]),
        (404, ApiError(None, "Could not find coin with the given id"), ["does not know a coin"]),
        (403, None, ["refuses the request (403)"]),
        (422, ApiError(None, "Missing parameter ids"), ["(422): Missing parameter ids"]),
    ],
)
def test_a_refusal_says_what_to_do(status: int, error: ApiError | None, words: list[str]) -> None:
    text = refusal(status, error, key_env="MY_KEY")
    assert [word for word in words if word not in text] == []
    assert "\n" not in text


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
