"""The errors that CoinGecko reports, in all the shapes in which it does."""

from dataclasses import dataclass
from typing import Final

_LONGEST_MESSAGE: Final = 200
_BAD_KEY: Final = 10002
_NOT_IN_PLAN: Final = 10005
_WRONG_HOST: Final = frozenset({10010, 10011})


@dataclass(frozen=True, slots=True)
class ApiError:
    """What an error body says; the code is an HTTP status or one of CoinGecko's own."""

    code: int | None
    message: str

    @property
    def is_known(self) -> bool:
        """Whether a code or the text says what is wrong."""
        return self.code is not None or self.is_unknown_currency or self.is_unknown_coin

    @property
    def is_unknown_currency(self) -> bool:
        """Whether it is about a currency that CoinGecko does not have."""
        return "vs_currency" in self.message.lower() and "invalid" in self.message.lower()

    @property
    def is_unknown_coin(self) -> bool:
        """Whether it is about a coin that CoinGecko does not have."""
        # A key that is not found has a code of its own, and CoinGecko's name has a coin in it.
        return self.code in (None, 404) and "coin" in self.message.lower() and "not f" in self.message.lower()


def find_error(body: object, hide: str = "") -> ApiError | None:
    """Find the error that a body reports, in any of CoinGecko's shapes; None where it reports none.

    A coin may be called ``status`` or ``error``: its prices are no error. Where the text repeats ``hide``, that is
    masked.
    """
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    for status in (error.get("status") if isinstance(error, dict) else None, body.get("status"), body):
        if isinstance(status, dict) and "error_code" in status:
            return ApiError(_code(status["error_code"]), _text(status.get("error_message"), hide))
    if isinstance(error, str):
        return ApiError(_code(body.get("status")), _text(error, hide))
    return None


def refusal(status: int, error: ApiError | None, *, key_env: str) -> str:
    """Say in one line why CoinGecko refuses and what to do; ``key_env`` is where the key is kept."""
    code = error.code if error and error.code is not None else status
    message = error.message if error else ""
    if code == _BAD_KEY or (status == 401 and code == status):
        return f"CoinGecko refuses the API key ({code}): put a valid one in {key_env}, or set producer.coingecko.plan"
    if code in _WRONG_HOST:
        return (
            f"CoinGecko says that the key in {key_env} belongs to another plan's host ({code}): "
            "set producer.coingecko.plan to the key's own, demo or pro"
        )
    if code == _NOT_IN_PLAN:
        return f"CoinGecko's plan does not include this request ({code}): see producer.coingecko.plan"
    if error and error.is_unknown_currency:
        return f"CoinGecko does not know a currency in producer.vs_currencies ({message})"
    if error and error.is_unknown_coin:
        return f"CoinGecko does not know a coin in producer.coins ({message})"
    return f"CoinGecko refuses the request ({code})" + (f": {message}" if message else "")


def _code(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _text(value: object, hide: str) -> str:
    text = " ".join(str(value or "").split())
    # Before it is cut: half a secret would not be known for one.
    return (text.replace(hide, "***") if hide else text)[:_LONGEST_MESSAGE]
