"""Find the certificate authorities that this machine names for its programs.

Python's and curl's clients follow these variables, Java does not: behind a proxy that opens TLS it
would refuse every download.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path

_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")


def authorities(environ: Mapping[str, str], python: Path) -> Path | None:
    """Return the PEM file that the environment or pip's own settings name, or None for Java's own list."""
    named = [environ[variable] for variable in _VARIABLES if environ.get(variable)]
    for path in [*named, *_of_pip(environ, python)]:
        if Path(path).is_file():
            return Path(path)
    return None


def _of_pip(environ: Mapping[str, str], python: Path) -> list[str]:
    answer = subprocess.run(  # noqa: S603 the virtual environment's own pip
        [str(python), "-m", "pip", "config", "get", "global.cert"],
        capture_output=True,
        text=True,
        env=dict(environ),
        check=False,
    )
    return [answer.stdout.strip()] if answer.returncode == 0 else []
