"""How long to wait before trying again."""

import random


def backoff(attempt: int, rng: random.Random, *, base: float = 1.0, cap: float = 60.0) -> float:
    """Give the seconds to wait after failed attempt number ``attempt`` (the first is 1).

    Full jitter: anything from nothing to the ceiling, which doubles from ``base`` up to ``cap``, so
    that clients that failed together do not come back together.
    """
    # An exponent that large is past any cap, and 2.0 ** 1024 would overflow.
    ceiling = min(cap, base * 2.0 ** min(attempt - 1, 64))
    return rng.uniform(0.0, ceiling)
