"""UTC: a moment as people read it."""

from datetime import UTC, datetime


def iso(seconds: float) -> str:
    """Write a time in epoch seconds as ISO 8601, to the second: ``2026-01-05T09:00:00Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
