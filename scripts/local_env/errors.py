"""What can go wrong while the environment is made."""

from pricestream.errors import PricestreamError


class SetupError(PricestreamError):
    """The environment could not be made; the text says what to do about it."""
