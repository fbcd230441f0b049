"""A source that asks CoinGecko's ``/simple/price``."""

from collections import deque
from itertools import islice

from coingecko.budget import CallBudget
from coingecko.clock import Clock
from coingecko.http import ApiClient, Unavailable
from pricestream import tick
from pricestream.errors import SourceError
from pricestream.producer_settings import ProducerSettings
from producer.parse import Prices, absent_currencies, parse_prices
from producer.quote import Poll, Quote


class CoinGeckoSource:
    """Polls all coins, in as many calls as it takes; what did not change at the source is left out."""

    def __init__(
        self, client: ApiClient, budget: CallBudget, clock: Clock, settings: ProducerSettings, name: tick.Source
    ) -> None:
        """Ask through ``client``; ``budget`` is the client's own, to tell what is left of it."""
        self.name: tick.Source = name
        self.clock = clock
        self._client = client
        self._budget = budget
        self._settings = settings
        coins = iter(dict.fromkeys(settings.coins))
        size = settings.coingecko.ids_per_call
        self._batches = deque(iter(lambda: tuple(islice(coins, size)), ()))
        self._sent: dict[tuple[str, str], tuple[int | None, float]] = {}
        self._missing: dict[tuple[str, ...], list[str]] = {}
        self._known_currencies: set[str] = set()
        self._trouble = ""

    def poll(self) -> Poll | None:
        """Read all prices; what cannot be read for now is a warning.

        Raises:
            SourceError: CoinGecko refuses for good: a bad key, an unknown currency.
        """
        calls, refusals = self._client.calls, self._client.refusals
        # A wait longer than a poll must not hold up the heartbeats.
        deadline_ms = self.clock.now_ms() + round(self._settings.poll_seconds * 1000)
        quotes: list[Quote] = []
        warnings: list[str] = []
        coins = 0
        for _ in range(len(self._batches)):
            try:
                prices = self._poll_batch(self._batches[0], deadline_ms)
            except Unavailable as trouble:
                # Said once, however many polls it takes.
                if str(trouble) != self._trouble:
                    warnings.append(f"{trouble}; the next polls try again")
                self._trouble = str(trouble)
                break
            coins += len({quote.coin_id for quote in prices.quotes})
            quotes += self._changed(prices)
            warnings += self._newly_missing(self._batches[0], prices.missing)
            # The next poll begins where this one ends, so that a small budget reaches every coin.
            self._batches.rotate(-1)
            self._trouble = ""
        now = self.clock.now_ms()
        return Poll(
            now,
            quotes,
            warnings,
            coins,
            self._client.calls - calls,
            self._budget.left(now),
            self._client.refusals - refusals,
        )

    def _poll_batch(self, ids: tuple[str, ...], deadline_ms: int) -> Prices:
        currencies = self._settings.vs_currencies
        body = self._client.get(
            "/simple/price",
            {
                "ids": ",".join(ids),
                "vs_currencies": ",".join(currencies),
                "include_market_cap": "true",
                "include_24hr_vol": "true",
                "include_24hr_change": "true",
                "include_last_updated_at": "true",
                "precision": "full",
            },
            deadline_ms=deadline_ms,
        )
        try:
            prices = parse_prices(body, ids=ids, currencies=currencies, polled_at=self.clock.now_ms())
        except ValueError as error:
            raise Unavailable(f"CoinGecko: {error}") from None
        self._check_currencies(absent_currencies(body, currencies), deadline_ms)
        return prices

    def _newly_missing(self, ids: tuple[str, ...], missing: list[str]) -> list[str]:
        """Warn where other prices are missing than at the last poll."""
        before, self._missing[ids] = self._missing.get(ids, []), missing
        if not missing or missing == before:
            return []
        return [f"CoinGecko gives no price for {', '.join(missing)}; the others go on"]

    def _check_currencies(self, absent: list[str], deadline_ms: int) -> None:
        """See whether a currency that no coin has exists at all: a typing error would go unnoticed for ever."""
        doubtful = [currency for currency in absent if currency not in self._known_currencies]
        if not doubtful:
            return
        known = self._client.get("/simple/supported_vs_currencies", {}, deadline_ms=deadline_ms)
        unknown = [currency for currency in doubtful if isinstance(known, list) and currency not in known]
        if unknown:
            raise SourceError(f"producer.vs_currencies: CoinGecko does not know {', '.join(unknown)}")
        self._known_currencies.update(doubtful)

    def _changed(self, prices: Prices) -> list[Quote]:
        changed = []
        for quote in prices.quotes:
            key = quote.coin_id, quote.vs_currency
            state = None if quote.coin_id in prices.undated else quote.event_time, quote.price
            if self._settings.send_unchanged or self._sent.get(key) != state:
                changed.append(quote)
            self._sent[key] = state
        return changed
