"""Certificate: with which the nodes of a cluster encrypt what they send each other.

EMR wants a zip of PEM files. The one made here is signed by itself and is all that the nodes trust, so whoever has not
its key is no node; the key is never on this machine's disk. A zip of your own goes into the same folder of the bucket,
and its address to the parameter ``Certificates``.
"""

import hashlib
import io
import zipfile
from datetime import datetime, timedelta
from typing import Final

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from scripts.platform.errors import aws_errors

_DAYS: Final = 1_095
_KEY_BITS: Final = 3_072
#: The folder of the bucket that the nodes, and they alone, may read it in.
FOLDER: Final = "certificates"


def upload_certificates(session: boto3.Session, bucket: str, region: str, now: datetime) -> str:
    """Make a key and a certificate, and put them into the platform's bucket.

    Args:
        session: AWS.
        bucket: the platform's.
        region: whose names the nodes have.
        now: the time, with a zone.

    Returns:
        Where they are, as ``s3://…``.

    Raises:
        PlatformError: AWS refuses.
    """
    body = make_certificates(region, now)
    key = f"{FOLDER}/{hashlib.sha256(body).hexdigest()[:16]}.zip"
    with aws_errors(f"put the cluster's certificates to s3://{bucket}/{key}"):
        session.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    return f"s3://{bucket}/{key}"


def make_certificates(region: str, now: datetime) -> bytes:
    """Make the zip that EMR wants, for the names that nodes have in a region.

    Args:
        region: such as ``eu-central-1``.
        now: from when on it is valid, for three years.
    """
    domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    key = rsa.generate_private_key(public_exponent=65_537, key_size=_KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"*.{domain}")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(f"*.{domain}")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("privateKey.pem", private)
        archive.writestr("certificateChain.pem", chain)
        archive.writestr("trustedCertificates.pem", chain)
    return buffer.getvalue()
