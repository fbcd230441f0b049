"""Errors of a benchmark that a person can act on."""

from pricestream.errors import PricestreamError


class BenchmarkError(PricestreamError):
    """A benchmark cannot be run, or a contender's answer is wrong, so that its time does not count."""


class PeerError(PricestreamError):
    """A peer cannot be installed here; the rest of the run goes on without it."""
