"""What the tests have from npm: a stand-in for Kinesis that can split and merge shards, and a Chromium.

Node and npm come from a Python package, since a machine may have neither. ``conf/npm/package-lock.json`` says
what is installed and what it must hash to; it names no registry, so that npm asks the one that it is set to.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scripts.local_env.authorities import authorities
from scripts.local_env.checkout import Checkout
from scripts.local_env.command import run_logged
from scripts.local_env.state import State, digest

_FILES: Final = ("package.json", "package-lock.json")


@dataclass(frozen=True, slots=True)
class NpmPackages:
    """Install what the lock file names, and nothing else.

    Attributes:
        checkout: where.
        state: what is there already.
        environ: the environment for npm.
    """

    checkout: Checkout
    state: State
    environ: Mapping[str, str]

    def is_done(self) -> bool:
        """Tell whether every package is in its place, in the version that is locked."""
        return self.state.is_done("npm", self._key()) and all(
            (self.checkout.npm / place / "package.json").is_file() for place in read_packages(self._lock)
        )

    def install(self, on_wait: Callable[[], None]) -> None:
        """Install all of it anew; npm refuses what does not have the hash that is locked.

        Raises:
            SetupError: the registry cannot be reached, or has something else.
        """
        with self.state.doing("npm", self._key()):
            # npm goes by what lies in its folder, an .npmrc too.
            shutil.rmtree(self.checkout.npm, ignore_errors=True)
            self.checkout.npm.mkdir(parents=True)
            for name in _FILES:
                shutil.copyfile(self.checkout.npm_conf / name, self.checkout.npm / name)
            cache = self.checkout.local / "npm-cache"
            silent = ["--no-audit", "--no-fund", "--no-update-notifier", "--no-progress"]
            options: list[str | Path] = ["--ignore-scripts", *silent, "--prefix", self.checkout.npm, "--cache", cache]
            run_logged(
                [self.checkout.node, self.checkout.npm_program, "ci", *options],
                log=self.checkout.log,
                environ=self._trust(),
                on_wait=on_wait,
                problem="the packages of conf/npm/package-lock.json could not be installed from the npm registry",
            )
            shutil.rmtree(cache, ignore_errors=True)

    def _trust(self) -> dict[str, str]:
        """Let Node trust whom the machine trusts; it keeps a list of its own."""
        pem = None if self.environ.get("NODE_EXTRA_CA_CERTS") else authorities(self.environ, self.checkout.python)
        return dict(self.environ) | ({"NODE_EXTRA_CA_CERTS": str(pem)} if pem else {})

    @property
    def _lock(self) -> Path:
        return self.checkout.npm_conf / "package-lock.json"

    def _key(self) -> str:
        return digest(*(self.checkout.npm_conf / name for name in _FILES))


def read_packages(lock: Path) -> dict[str, dict[str, Any]]:
    """Read what a package-lock.json says of each package, by its place below the project's folder."""
    packages: dict[str, dict[str, Any]] = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return {place: entry for place, entry in packages.items() if place}
