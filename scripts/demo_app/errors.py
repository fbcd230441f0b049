"""What can go wrong in a demo."""

from pricestream.errors import PricestreamError


class DemoError(PricestreamError):
    """The demo cannot go on; the text says why and what to do."""


class ChildDiedError(DemoError):
    """A process of the demo ended before its time.

    Attributes:
        exit_code: what the demo exits with: the process's own code where it has one.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code = code if 0 < code < 126 else 1


class BrokenOffError(DemoError):
    """A person pressed Ctrl-C twice."""

    exit_code = 130
