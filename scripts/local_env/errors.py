"""What can go wrong while the environment is made."""

from pricestream.errors import PricestreamError


class SetupError(PricestreamError):
    """The environment could not be made; the text says what to do about it."""


class CommandError(SetupError):
    """A command failed.

    Attributes:
        said: everything it said.
    """

    def __init__(self, message: str, said: str) -> None:
        super().__init__(message)
        self.said = said


class UntouchedError(SetupError):
    """A step failed before it changed anything: what was there is as good as before."""


class DispensableError(SetupError):
    """A step failed whose work nothing needs: the setup goes on."""
