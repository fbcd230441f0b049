"""Fresh machine: an environment in which nothing of what the project needs is there yet but Python and git."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.bench import emptied

#: The way out of this machine, which is no cache: proxies, authorities, the indexes of packages.
_WAY_OUT: Final = frozenset(
    {
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "JAVA_TOOL_OPTIONS"),
        *("PIP_CERT", "PIP_CLIENT_CERT", "PIP_CONFIG_FILE", "PIP_DEFAULT_TIMEOUT", "PIP_EXTRA_INDEX_URL"),
        *("PIP_INDEX_URL", "PIP_PROXY", "PIP_RETRIES", "PIP_TRUSTED_HOST"),
    }
)
#: What would be found and then not be downloaded, or is ours: the environment's own Python is put there instead.
_NOT_THERE: Final = re.compile(r"(java|javac|jar|keytool|pip|uv|uvx|conda|python|spark|pyspark)[-\w.]*")


def fresh_environment(place: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Make an empty home, and a folder of programs that lacks Java and whatever else would spare a download.

    Args:
        place: where both are made.
        environ: our own environment; of it only the way out of this machine is kept.

    Returns:
        The whole environment for a process on the fresh machine.
    """
    programs = emptied(place / "bin")
    for name, program in _programs(environ.get("PATH", os.defpath)).items():
        (programs / name).symlink_to(program)
    # No link: through one a Python might not find its library. Ours may be an environment's, this is what it came from.
    python = programs / "python3.11"
    python.write_text(f'#!/bin/sh\nexec "{getattr(sys, "_base_executable", sys.executable)}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    kept = {name: value for name, value in environ.items() if name in _WAY_OUT}
    return {**kept, "HOME": str(emptied(place / "home")), "LANG": "C.UTF-8", "PATH": str(programs)}


def _programs(search_path: str) -> dict[str, Path]:
    """Find the programs on a path, by their names, each where it is found first; those of this interpreter are none."""
    found: dict[str, Path] = {}
    for folder in map(Path, filter(None, search_path.split(os.pathsep))):
        if folder == Path(sys.executable).parent or not folder.is_dir():
            continue
        for program in folder.iterdir():
            if not _NOT_THERE.fullmatch(program.name) and program.is_file():
                found.setdefault(program.name, program)
    return found
