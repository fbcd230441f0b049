"""All that CoinGecko, or a box before it, may answer in place of prices, and that may pass."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from producer.server import Fault

#: Makes one answer, as chance has it.
Make = Callable[[Random], Fault]

TIMEOUT_SECONDS: Final = 0.15
LONGEST_WISH_SECONDS: Final = 300

_HTML: Final = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>"


def _fixed(fault: Fault) -> Make:
    return lambda _: fault


def _told(body: bytes) -> Make:
    return _fixed(Fault(200, body=body))


def _wish(status: int) -> Make:
    return lambda rng: Fault(status, {"Retry-After": str(rng.randint(1, LONGEST_WISH_SECONDS))})


def _number(value: object) -> Make:
    """Put something else in the place of one coin's prices."""

    def change(content: dict[str, dict[str, Any]], coin: str) -> object:
        fields = content.get(coin, {})
        return content | {coin: fields | dict.fromkeys((name for name in fields if name != "last_updated_at"), value)}

    return lambda rng: _of_one_coin(rng, change)


def _time(value: object) -> Make:
    """Put something else in the place of one coin's time."""
    return lambda rng: _of_one_coin(
        rng, lambda content, coin: content | {coin: content.get(coin, {}) | {"last_updated_at": value}}
    )


def _coin(value: object) -> Make:
    """Put something else in the place of one coin."""
    return lambda rng: _of_one_coin(rng, lambda content, coin: content | {coin: value})


def _without(rng: Random) -> Fault:
    return _of_one_coin(rng, lambda content, coin: {each: value for each, value in content.items() if each != coin})


def _of_one_coin(rng: Random, change: Callable[[dict[str, dict[str, Any]], str], object]) -> Fault:
    chance = rng.random()
    return Fault(change=lambda content: change(content, sorted(content)[int(chance * len(content))]))


#: By what they are; each is made anew, as chance has it.
ANSWERS: Final[Mapping[str, Make]] = {
    "429": _fixed(Fault(429)),
    "429, wait": _wish(429),
    "429, wait for nonsense": _fixed(Fault(429, {"Retry-After": "soon"})),
    "500": _fixed(Fault(500, body=b'{"status":500,"error":"Internal Server Error"}')),
    "502": _fixed(Fault(502, body=_HTML)),
    "503, wait": _wish(503),
    "time-out": _fixed(Fault(delay_seconds=10 * TIMEOUT_SECONDS)),
    "slow body": _fixed(Fault(pause_seconds=TIMEOUT_SECONDS / 2)),
    "cut body": _fixed(Fault(cut=True)),
    "no answer": _fixed(Fault(drop=True)),
    "200, an error": _told(b'{"error":"internal error, try later"}'),
    "200, an error's status": _told(b'{"status":{"error_code":429,"error_message":"You have exceeded the limit"}}'),
    "200, an error inside an error": _told(b'{"error":{"status":{"error_code":500,"error_message":"oops"}}}'),
    "HTML": _told(_HTML),
    "empty body": _told(b""),
    "empty object": _told(b"{}"),
    "a list": _told(b"[]"),
    "null": _told(b"null"),
    "depth without end": _told(b"[" * 100_000),
    "prices null": _number(None),
    "prices NaN": _number(float("nan")),
    "prices infinite": _number(float("inf")),
    "prices strings": _number("64000.5"),
    "prices negative": _number(-1.0),
    "prices zero": _number(0),
    "prices lists": _number([1]),
    "prices beyond a double": _number(10**400),
    "prices true": _number(True),
    "time null": _time(None),
    "time NaN": _time(float("nan")),
    "time beyond every clock": _time(1e306),
    "time a string": _time("yesterday"),
    "a coin null": _coin(None),
    "a coin a string": _coin("bitcoin"),
    "a coin missing": _without,
}
