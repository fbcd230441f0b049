"""What is said of an error of AWS or of its library: enough to act on, and nothing that may repeat a credential.

Errors are told by their names and fields, since neither boto3 nor botocore is imported here.
"""

import re
from typing import Final

#: Their text is what a helper printed, or the answer of a service that gives credentials.
_FETCHING: Final = frozenset({"CredentialRetrievalError", "MetadataRetrievalError", "TokenRetrievalError"})
#: Their text is that of whatever went wrong below, such as a header that cannot be sent, which it shows.
_BELOW: Final = frozenset({"HTTPClientError", "ConnectionError"})

#: What is wrong is how the call was signed, and not what it asks for: that is SNS's AuthorizationError.
_SIGNATURE: Final = re.compile(r"Signature|Authorization(Header|Query)")


def words_of(error: Exception) -> str:
    """Say what went wrong, in the error's own words where they are harmless."""
    name = type(error).__name__
    if name in _FETCHING:
        provider = getattr(error, "kwargs", {}).get("provider", "the metadata service")
        return f"AWS credentials cannot be fetched from {provider} ({name})"
    if name in _BELOW:
        return f"the call cannot be made ({name})"
    code = _code(error)
    # AWS's text has all headers in it that were to be signed, the session's token among them.
    if _SIGNATURE.search(code):
        return (
            f"AWS does not take the signature ({code}); see AWS_SECRET_ACCESS_KEY, or where else the key comes from, "
            "and the machine's clock"
        )
    return str(error)


def _code(error: Exception) -> str:
    answer = getattr(error, "response", None) or getattr(error, "last_response", None)
    details = answer.get("Error") if isinstance(answer, dict) else None
    return str(details.get("Code", "")) if isinstance(details, dict) else ""
