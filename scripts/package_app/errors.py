"""What can go wrong while the artefact is made."""

from pricestream.errors import PricestreamError


class PackageError(PricestreamError):
    """The artefact could not be made; the text says what to do about it."""
