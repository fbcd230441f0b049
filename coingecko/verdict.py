"""What an HTTP answer means for the caller: take it, try again, or give up. Nothing here touches the network."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from coingecko.api_error import find_error, refusal
from pricestream.json_text import parse_json


@dataclass(frozen=True, slots=True)
class Ok:
    """The answer can be used."""

    body: object


@dataclass(frozen=True, slots=True)
class Retry:
    """The same call may work later; not before ``after`` seconds where the server said so."""

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The same call will never work; the reason says what to do."""

    reason: str
    is_unknown_coin: bool = False


def classify(
    status: int, headers: Mapping[str, str], body: bytes, *, now_ms: int, key_env: str, hide: str = ""
) -> Ok | Retry | GiveUp:
    """Decide what to do with an answer; ``headers`` compare without regard to case, ``hide`` is masked in reasons.

    An error may hide in a 200, and where it is no known one it may pass. A page of HTML in place of
    JSON is some box on the way, which will go away; only a refused key needs no words.
    """
    content, is_json = _read(body)
    error = find_error(content, hide)
    # A date is one on the server's clock: ours may be a day off.
    moment = _moment(headers.get("Date", ""))
    told_ms = now_ms if moment is None else round(moment.timestamp() * 1000)
    after = retry_after(headers.get("Retry-After"), now_ms=told_ms)
    # CoinGecko's own codes begin at 10000 and are nobody's HTTP status.
    effective = status
    if status == HTTPStatus.OK and error is not None and error.code is not None:
        effective = error.code
    if effective in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT) or 500 <= effective < 600:
        said = f": {error.message}" if error and error.message else ""
        return Retry(f"CoinGecko answered {effective}{said}", after)
    if not is_json and status != HTTPStatus.UNAUTHORIZED:
        return Retry(f"CoinGecko answered {status} with something other than JSON", after)
    if status == HTTPStatus.OK and error is not None and not error.is_known:
        return Retry(f"CoinGecko answered 200 with an error: {error.message}", after)
    if status != HTTPStatus.OK or error is not None:
        return GiveUp(
            refusal(status, error, key_env=key_env), is_unknown_coin=error is not None and error.is_unknown_coin
        )
    return Ok(content)


def retry_after(value: str | None, *, now_ms: int) -> float | None:
    """Read a ``Retry-After`` header, in seconds or as a date; None where there is no sense in it."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        # Some thirty years: enough for any server, and still a date.
        return min(float(text), 1e9)
    moment = _moment(text)
    return None if moment is None else max(0.0, moment.timestamp() - now_ms / 1000)


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read(body: bytes) -> tuple[object, bool]:
    try:
        return parse_json(body), True
    except ValueError:
        return None, False
