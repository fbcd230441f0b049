"""Turn a PEM file of certificate authorities into a trust store that Java reads.

Runs inside the virtual environment: ``python -m scripts.local_env.truststore PEM STORE``.
"""

import sys
import warnings
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.utils import CryptographyDeprecationWarning

#: Java wants one; it guards nothing, since the store holds public certificates only.
PASSWORD = "changeit"  # noqa: S105  # nosec B105


def convert(pem: Path, store: Path) -> int:
    """Write the certificates of ``pem`` to ``store`` (PKCS 12) and return how many there are.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: ``pem`` holds no certificate, or a broken one.
    """
    with warnings.catch_warnings():
        # Old authorities with odd serial numbers are in every system's bundle.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        certificates = x509.load_pem_x509_certificates(pem.read_bytes())
        entries = [pkcs12.PKCS12Certificate(each, str(at).encode()) for at, each in enumerate(certificates)]
        content = pkcs12.serialize_java_truststore(entries, BestAvailableEncryption(PASSWORD.encode()))
    store.write_bytes(content)
    return len(certificates)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
