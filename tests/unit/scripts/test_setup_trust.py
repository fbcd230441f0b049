from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from cryptography.x509.oid import NameOID

from scripts.local_env import ivy, truststore
from scripts.local_env.authorities import authorities


def certificate(name: str) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )


def test_the_store_holds_every_certificate_of_the_bundle(tmp_path: Path) -> None:
    certificates = [certificate("one"), certificate("two")]
    pem, store = tmp_path / "ca.pem", tmp_path / "store.p12"
    pem.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in certificates))
    assert truststore.convert(pem, store) == 2
    found = pkcs12.load_pkcs12(store.read_bytes(), b"changeit").additional_certs
    assert {each.certificate for each in found} == set(certificates)


def test_a_bundle_without_a_certificate_is_refused(tmp_path: Path) -> None:
    pem = tmp_path / "ca.pem"
    pem.write_text("nothing\n")
    with pytest.raises(ValueError, match="PEM"):
        truststore.convert(pem, tmp_path / "store.p12")


def test_the_store_is_read_with_the_password_that_it_was_written_with() -> None:
    assert ivy._PASSWORD == truststore.PASSWORD


@pytest.fixture
def silent_pip(tmp_path: Path) -> Path:
    """A Python whose pip has no certificates set."""
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"])
def test_a_bundle_that_the_environment_names_is_found(tmp_path: Path, silent_pip: Path, variable: str) -> None:
    pem = tmp_path / "ca.pem"
    pem.touch()
    environ = {"SSL_CERT_FILE": "/nowhere.pem", variable: str(pem)}
    assert authorities(environ, silent_pip) == pem


def test_a_bundle_that_pip_is_set_to_is_found(tmp_path: Path) -> None:
    pem, program = tmp_path / "ca.pem", tmp_path / "python"
    pem.touch()
    program.write_text(f"#!/bin/sh\necho '{pem}'\n")
    program.chmod(0o755)
    assert authorities({}, program) == pem


def test_without_one_java_keeps_its_own(silent_pip: Path) -> None:
    assert authorities({"SSL_CERT_FILE": ""}, silent_pip) is None
