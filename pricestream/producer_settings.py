"""The settings of the producer."""

from typing import Literal

from pydantic import Field

from pricestream.section import Id, Section


class CoinGeckoSettings(Section):
    """The real API. ``keyless`` and ``demo`` share a host, ``pro`` has its own."""

    plan: Literal["keyless", "demo", "pro"] = "keyless"
    #: Only for a stand-in; the plan gives it.
    base_url: str | None = None
    #: The name of the variable that holds the key; a key itself is no such name.
    api_key_env: str = Field(default="COINGECKO_API_KEY", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    timeout_seconds: float = Field(default=20, gt=0)
    max_attempts: int = Field(default=6, ge=1)
    ids_per_call: int = Field(default=250, ge=1, le=515)
    calls_per_minute: int = Field(default=5, ge=1)
    #: None counts the calls without a limit.
    calls_per_month: int | None = Field(default=10_000, ge=1)
    #: How often the source renews its prices.
    refresh_seconds: int = Field(default=60, ge=0)


class SimulatedSettings(Section):
    """A made-up market, the same for the same seed, on a clock of its own."""

    seed: int = 7
    start: str = "2026-01-05T09:00:00Z"
    #: None never ends.
    hours: float | None = Field(default=3, gt=0)
    #: Virtual seconds in one real second; 0 is as fast as it goes.
    speed: float = Field(default=0, ge=0)
    refresh_seconds: int = Field(default=10, ge=1)


class ReplaySettings(Section):
    """Recorded trades or prices, on the clock of their own times."""

    path: str | None = None
    #: Virtual seconds in one real second; 0 is as fast as it goes.
    speed: float = Field(default=0, ge=0)
    #: What the file prices, where it has no ``coin_id`` column.
    coin_id: Id = "replay"


class SpoolSettings(Section):
    """What could not be sent yet, on disk."""

    max_megabytes: float = Field(default=256, gt=0)


class ProducerSettings(Section):
    """Who polls, what, how often, and where it keeps its state."""

    id: str = Field(default="producer-1", min_length=1, max_length=128)
    source: Literal["coingecko", "simulated", "replay"] = "coingecko"
    coins: list[Id] = Field(default=["bitcoin", "ethereum"], min_length=1)
    vs_currencies: list[Id] = Field(default=["usd"], min_length=1)
    poll_seconds: float = Field(default=90, gt=0)
    #: Where the spool, the counters and the call budget live; one folder per producer.
    state_dir: str = ".local/producer"
    send_unchanged: bool = False
    create_stream: bool = False
    coingecko: CoinGeckoSettings = CoinGeckoSettings()
    simulated: SimulatedSettings = SimulatedSettings()
    replay: ReplaySettings = ReplaySettings()
    spool: SpoolSettings = SpoolSettings()

    @property
    def refresh_seconds(self) -> int:
        """How often the chosen source renews its prices; 0 for a replay, whose every event is fresh."""
        refresh = {
            "coingecko": self.coingecko.refresh_seconds,
            "simulated": self.simulated.refresh_seconds,
            "replay": 0,
        }
        return refresh[self.source]
