"""Market: made-up ticks in the order of time, and the heartbeat that closes their windows."""

from pricestream.settings import Settings
from pricestream.tick import Tick, heartbeat


def market(coins: dict[str, float], *, start_ms: int, minutes: float, every_seconds: int = 10) -> list[Tick]:
    """Ticks of a few coins, each a little off its price, in the order of time, polled as they happen."""
    ticks: list[Tick] = []
    for step in range(int(minutes * 60 / every_seconds)):
        now = start_ms + step * every_seconds * 1000
        for number, (coin, price) in enumerate(coins.items()):
            moved = price * (1 + ((step * 7919 + number * 104729) % 1009 - 504) / 50_000)
            ticks.append(Tick(coin, "usd", moved, now, now, "p", len(ticks) + 1, "simulated"))
    return ticks


def closing(settings: Settings, end_ms: int) -> bytes:
    """A heartbeat whose clock closes every window up to ``end_ms``."""
    clock_ms = end_ms + settings.job.watermark_seconds * 1000
    return heartbeat(clock_ms=clock_ms, producer_id="p", seq=0, source="simulated").to_json()
