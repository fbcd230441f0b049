import random

from coingecko.backoff import backoff


class _Highest(random.Random):
    def uniform(self, a: float, b: float) -> float:
        assert a == 0.0
        return b


class _Middle(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def test_the_ceiling_doubles_up_to_the_cap() -> None:
    assert [backoff(attempt, _Highest()) for attempt in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff(3, _Highest(), base=0.1, cap=5.0) == 0.4
    assert backoff(5_000, _Highest()) == 60


def test_the_whole_range_below_the_ceiling_is_jitter() -> None:
    assert backoff(4, _Middle()) == 4.0
    waits = [backoff(3, random.Random(seed)) for seed in range(200)]
    assert min(waits) < 0.3
    assert max(waits) > 3.7
    assert all(0 <= wait <= 4 for wait in waits)
