"""What both sides know of Kinesis."""

from typing import Final

#: Codes of errors that may pass: the same call can be made again.
TRANSIENT_CODES: Final = frozenset(
    {
        "InternalFailure",
        "InternalFailureException",
        "KMSThrottlingException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestExpired",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
    }
)
