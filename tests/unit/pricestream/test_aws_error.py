"""What is said of an error of AWS: enough to act on, and none of the words that may repeat a credential."""

import pytest
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    MetadataRetrievalError,
    ProfileNotFound,
    WaiterError,
)

from pricestream.aws_error import words_of

SECRET = "canary-4f1d8a60"


def of_aws(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "PutRecords")


def test_what_aws_says_is_said() -> None:
    text = "User: arn:aws:iam::1:user/me is not authorized to perform: kinesis:DescribeStreamSummary"
    assert text in words_of(of_aws("AccessDeniedException", text))
    # SNS's name for a denied call, which is not about how it was signed.
    assert words_of(of_aws("AuthorizationError", text)).endswith(text)
    assert "typo" in words_of(ProfileNotFound(profile="typo"))
    assert "http://127.0.0.1:1" in words_of(EndpointConnectionError(endpoint_url="http://127.0.0.1:1"))
    assert words_of(ValueError("Invalid endpoint: x")) == "Invalid endpoint: x"


#: As AWS words it: the headers that are signed, the token among them, are part of the text.
CANONICAL = (
    "The request signature we calculated does not match the signature you provided. The Canonical String for this "
    f"request should have been 'POST\n/\n\nhost:kinesis.us-east-1.amazonaws.com\nx-amz-security-token:{SECRET}\n'"
)


@pytest.mark.parametrize("code", ["InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignatureException"])
def test_a_wrong_signature_is_not_repeated(code: str) -> None:
    for error in (
        of_aws(code, CANONICAL),
        WaiterError("stream_exists", CANONICAL, {"Error": {"Code": code, "Message": CANONICAL}}),
    ):
        assert code in words_of(error)
        assert "AWS_SECRET_ACCESS_KEY" in words_of(error)
        assert SECRET not in words_of(error)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            CredentialRetrievalError(provider="custom-process", error_msg=SECRET),
            "AWS credentials cannot be fetched from custom-process (CredentialRetrievalError)",
        ),
        (
            MetadataRetrievalError(error_msg=SECRET),
            "AWS credentials cannot be fetched from the metadata service (MetadataRetrievalError)",
        ),
        # A token with a line's end behind it cannot be sent, and the library shows it.
        (HTTPClientError(error=f"Invalid header value b'{SECRET}\\n'"), "the call cannot be made (HTTPClientError)"),
    ],
)
def test_the_words_of_others_are_not_repeated(error: Exception, said: str) -> None:
    assert words_of(error) == said
