"""A made-up market: the same prices for the same seed, however often anybody looks."""

import math
import random
from collections import deque
from dataclasses import dataclass
from typing import Final

#: Level in usd, volatility of a day in percent, and millions of coins there are.
_COINS: Final[dict[str, tuple[float, float, float]]] = {
    "bitcoin": (64_000.0, 2.5, 19.9),
    "ethereum": (3_100.0, 3.2, 120.5),
    "tether": (1.0, 0.0, 140_000.0),
    "binancecoin": (610.0, 2.8, 139.0),
    "solana": (152.0, 4.5, 540.0),
    "usd-coin": (1.0, 0.0, 60_000.0),
    "dai": (1.0, 0.0, 5_300.0),
    "ripple": (2.1, 4.0, 59_000.0),
    "dogecoin": (0.16, 5.5, 150_000.0),
    "cardano": (0.62, 4.4, 36_000.0),
    "tron": (0.28, 2.6, 94_000.0),
    "avalanche-2": (23.0, 4.8, 420.0),
    "shiba-inu": (0.0000124, 5.2, 589_000_000.0),
    "pepe": (0.0000081, 7.5, 420_690_000.0),
    "polkadot": (3.9, 4.3, 1_600.0),
    "chainlink": (15.0, 4.4, 680.0),
    "litecoin": (92.0, 3.4, 76.0),
    "uniswap": (6.4, 5.0, 600.0),
    "stellar": (0.29, 4.1, 32_000.0),
    "monero": (310.0, 3.3, 18.4),
    "cosmos": (4.4, 4.5, 470.0),
    "aave": (240.0, 4.9, 15.2),
    "near": (2.4, 5.1, 1_250.0),
    "aptos": (4.6, 5.3, 690.0),
    "wrapped-bitcoin": (63_950.0, 2.5, 0.13),
}
_FIAT: Final = {"usd": 1.0, "eur": 0.92, "gbp": 0.79, "jpy": 149.0, "chf": 0.88}
_CRYPTO: Final = {"btc": "bitcoin", "eth": "ethereum"}

#: The currencies that the market quotes in.
CURRENCIES: Final = (*_FIAT, *_CRYPTO)

_BURST_CHANCE: Final = 1 / 300
_BURST_STEPS: Final = (15, 60)
_BURST_FACTOR: Final = 5.0
#: Coins renew one after the other, and each asks for others' prices at its own step.
_KEPT_STEPS: Final = 16
_PEG_NOISE: Final = 0.00015
_PEG_PULL: Final = 0.9


@dataclass(frozen=True, slots=True)
class Price:
    """A coin's figures in one currency; ``updated_at`` is epoch seconds."""

    price: float
    market_cap: float
    volume_24h: float
    change_24h_pct: float
    updated_at: int


class _Walk:
    """The logarithm of a coin's price against its level, one step per refresh.

    Only the last steps are kept, so that a market may run without end; whoever looks further back
    has the walk taken again from its start.
    """

    def __init__(self, seed: int, coin_id: str, step_volatility: float) -> None:
        self._seed = seed
        self._coin_id = coin_id
        self._volatility = step_volatility
        self._begin()

    def at(self, step: int) -> float:
        """Give the value after ``step`` steps, which is 0 at the start."""
        if step <= self._step - len(self._latest):
            self._begin()
        while self._step < step:
            self._extend()
        return self._latest[step - self._step - 1]

    def _begin(self) -> None:
        self._rng = random.Random(f"{self._seed}/{self._coin_id}")  # noqa: S311 - prices to look at, not secrets
        # Every walk draws the market's shocks anew: the same seed gives them all the same ones.
        self._market_rng = random.Random(f"{self._seed}/market")  # noqa: S311 - as above
        self._burst = 0
        self._step = 0
        self._latest = deque([0.0], maxlen=_KEPT_STEPS)

    def _extend(self) -> None:
        """Take one step: partly the market's, partly the coin's own, at times in a burst."""
        market_shock = self._market_rng.gauss(0.0, 1.0)
        own = self._rng.gauss(0.0, 1.0)
        starts_burst = self._rng.random() < _BURST_CHANCE
        length = self._rng.randint(*_BURST_STEPS)
        if self._burst:
            self._burst -= 1
        elif starts_burst:
            self._burst = length
        factor = _BURST_FACTOR if self._burst else 1.0
        last = self._latest[-1]
        self._step += 1
        if self._volatility == 0:
            self._latest.append(_PEG_PULL * last + _PEG_NOISE * own)
        else:
            self._latest.append(last + factor * self._volatility * (0.6 * market_shock + 0.8 * own))


class Market:
    """Prices of well-known coins from ``start_ms`` on, new ones every ``refresh_seconds``."""

    def __init__(self, seed: int, start_ms: int, refresh_seconds: int) -> None:
        """Begin at ``start_ms`` (epoch ms) at each coin's usual level."""
        self._seed = seed
        #: Its first moment, epoch seconds; before it there are no prices.
        self.start_s = start_ms // 1000
        self._refresh = refresh_seconds
        self._walks: dict[str, _Walk] = {}

    def price(self, coin_id: str, currency: str, now_ms: int) -> Price | None:
        """Give a coin's figures at ``now_ms`` (epoch ms); None for a coin that the market does not have.

        Raises:
            KeyError: the market does not quote in ``currency``.
        """
        if coin_id not in _COINS:
            return None
        step, updated_at = self._step(coin_id, now_ms)
        usd = self._usd(coin_id, step)
        rate = _FIAT[currency] if currency in _FIAT else 1 / self._usd(_CRYPTO[currency], step)
        level, volatility, supply = _COINS[coin_id]
        change = 100 * (usd / level - 1)
        cap = usd * supply * 1e6 * rate
        volume = cap * (0.03 + volatility / 100) * (1 + abs(change) / 20)
        return Price(usd * rate, cap, volume, change, updated_at)

    def _step(self, coin_id: str, now_ms: int) -> tuple[int, int]:
        """Find the refresh that holds at ``now_ms``: its number, and its time in epoch seconds.

        Coins renew one after the other, as they do at the real source.
        """
        offset = random.Random(f"{self._seed}/{coin_id}/offset").randrange(self._refresh)  # noqa: S311
        begin = self.start_s - self._refresh + offset + 1
        step = max(0, (now_ms // 1000 - begin) // self._refresh)
        return step, begin + step * self._refresh

    def _usd(self, coin_id: str, step: int) -> float:
        level, volatility, _ = _COINS[coin_id]
        walk = self._walks.get(coin_id)
        if walk is None:
            per_step = volatility / 100 * math.sqrt(self._refresh / 86_400)
            walk = self._walks[coin_id] = _Walk(self._seed, coin_id, per_step)
        return level * math.exp(walk.at(step))
