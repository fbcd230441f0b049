"""Where the API is asked, with which key, and the client that does it as the settings say."""

import os
import random
from threading import Event
from typing import Final
from urllib.parse import urlsplit

import requests

from coingecko.budget import CallBudget
from coingecko.clock import Clock
from coingecko.http import ApiClient
from pricestream.errors import SettingsError
from pricestream.producer_settings import CoinGeckoSettings

_HOSTS: Final = {
    "keyless": "https://api.coingecko.com/api/v3",
    "demo": "https://api.coingecko.com/api/v3",
    "pro": "https://pro-api.coingecko.com/api/v3",
}
_THIS_MACHINE: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_KEY_HEADERS: Final = {"demo": "x-cg-demo-api-key", "pro": "x-cg-pro-api-key"}


def base_url(settings: CoinGeckoSettings) -> str:
    """Give the address of the plan's API, or of its stand-in."""
    return settings.base_url or _HOSTS[settings.plan]


def key_header(settings: CoinGeckoSettings) -> tuple[str, str] | None:
    """Give the header that carries the plan's key, which comes from the environment; None without a key.

    Raises:
        SettingsError: the plan needs a key and there is none, it cannot be one, or others could read it on its way.
    """
    if settings.plan == "keyless":
        return None
    if not _is_private(base_url(settings)):
        raise SettingsError(
            f"producer.coingecko.base_url {settings.base_url}: a key goes out by https only, but to this machine; "
            "give an https:// address, or take the plan keyless"
        )
    key = os.environ.get(settings.api_key_env, "").strip()
    if not key:
        raise SettingsError(f"producer.coingecko.plan {settings.plan} needs a key in {settings.api_key_env}")
    if not (key.isascii() and key.isprintable()):
        raise SettingsError(f"the key in {settings.api_key_env} holds characters that no key has")
    return _KEY_HEADERS[settings.plan], key


def _is_private(address: str) -> bool:
    """Tell whether nobody on the way can read what goes to an address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)


def open_client(
    settings: CoinGeckoSettings, session: requests.Session, budget: CallBudget, clock: Clock, stop: Event
) -> ApiClient:
    """Make the client that asks as the settings say, through ``session`` and within ``budget``.

    Raises:
        SettingsError: the plan's key is missing, or cannot be one.
    """
    return ApiClient(
        session,
        base_url(settings),
        budget,
        clock,
        random.Random(),  # noqa: S311 - jitter only
        stop,
        key_header=key_header(settings),
        key_env=settings.api_key_env,
        timeout_seconds=settings.timeout_seconds,
        max_attempts=settings.max_attempts,
    )
