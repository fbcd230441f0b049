"""Where the watermark stands, worked out by hand.

newest     09:07:00                    09:07:59.999
watermark  09:00:00 (less 420 s)  ...  09:00:00, as only 09:01:00 would close another minute
"""

import pytest

from pricestream.job_settings import JobSettings

NINE_MS = 1_767_603_600_000  # 2026-01-05T09:00:00Z
MINUTE_MS = 60_000


@pytest.mark.parametrize(
    ("interval", "delay", "step"),
    [("1m", 420, 60), ("1m", 430, 10), ("10s", 420, 10), ("15m", 720, 180), ("5m", 421, 1)],
)
def test_the_watermark_moves_in_what_divides_window_and_delay(interval: str, delay: int, step: int) -> None:
    job = JobSettings(base_interval=interval, watermark_delay_seconds=delay)
    assert job.watermark_step_seconds == step


@pytest.mark.parametrize(
    ("newest_ms", "watermark_ms"),
    [
        (NINE_MS + 7 * MINUTE_MS, NINE_MS),
        (NINE_MS + 8 * MINUTE_MS - 1, NINE_MS),
        (NINE_MS + 8 * MINUTE_MS, NINE_MS + MINUTE_MS),
    ],
)
def test_the_watermark_stands_where_the_last_step_put_it(newest_ms: int, watermark_ms: int) -> None:
    assert JobSettings().watermark_ms(newest_ms) == watermark_ms
