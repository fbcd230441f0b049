import json
from pathlib import Path

import pytest

from coingecko.api_error import ApiError, find_error, refusal


def test_no_recorded_good_answer_is_an_error(shared_data: Path) -> None:
    answers = [json.loads(path.read_text()) for path in (shared_data / "coingecko").glob("*.json")]
    good = [answer for answer in answers if answer["status"] == 200]
    assert len(good) > 5
    assert [answer["request"] for answer in good if find_error(answer["body"])] == []


@pytest.mark.parametrize("body", [None, [], "text", 3])
def test_what_is_no_object_reports_no_error(body: object) -> None:
    assert find_error(body) is None


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


def test_a_secret_is_masked_before_a_message_is_cut() -> None:
    secret = "CG-0123456789"
    error = find_error({"error": "x" * 195 + " " + secret}, secret)
    assert error is not None
    assert error.message == "x" * 195 + " ***"


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
