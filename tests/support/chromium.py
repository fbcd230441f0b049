"""A Chromium for tests: the machine's own, or the one that came from npm with the tests' packages."""

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scripts.local_env.checkout import Checkout
from tests.support.tar import unpack

_CHECKOUT: Final = Checkout(Path(__file__).resolve().parents[2])
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Nothing that it does by itself may leave the machine.
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: Node unpacks what is packed with Brotli, which Python cannot.
_UNPACK: Final = (
    "const fs = require('fs'), zlib = require('zlib'), [from, to] = process.argv.slice(1);"
    "fs.writeFileSync(to, zlib.brotliDecompressSync(fs.readFileSync(from)), { mode: 0o755 });"
)
#: Its own names the folder of a function of AWS Lambda.
_FONTS: Final = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{folder}/fonts</dir><dir>/usr/share/fonts</dir><cachedir>{folder}/fonts-cache</cachedir></fontconfig>
"""


class NoChromiumError(Exception):
    """There is none; the text says why."""


@dataclass(frozen=True)
class Chromium:
    """A browser to start."""

    path: Path
    #: What it needs beside our own environment.
    environ: dict[str, str] = field(default_factory=dict)


def find_chromium() -> Chromium:
    """Find the machine's browser, or unpack the one of npm, once.

    Raises:
        NoChromiumError: there is neither.
    """
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            return Chromium(Path(found))
    packed = _CHECKOUT.npm / "node_modules" / "@sparticuz" / "chromium" / "bin"
    if not (packed / "chromium.br").is_file():
        raise NoChromiumError(f"none of {', '.join(_NAMES)} is on PATH, and ./scripts/setup --test has brought none")
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        raise NoChromiumError(f"none of {', '.join(_NAMES)} is on PATH, and that of npm is for Linux on x86_64 alone")
    return _unpacked(packed)


def _unpacked(packed: Path) -> Chromium:
    folder = _CHECKOUT.local / "chromium"
    program = folder / "chromium"
    if not program.is_file() or program.stat().st_mtime < (packed / "chromium.br").stat().st_mtime:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("al2023.tar", "fonts.tar"):
            _unpack(packed / f"{name}.br", folder / name)
            unpack(folder / name, folder)
        (folder / "fonts.conf").write_text(_FONTS.format(folder=folder), encoding="utf-8")
        # Last, and in one step: it stands for all of it.
        _unpack(packed / "chromium.br", folder / "chromium.new")
        (folder / "chromium.new").replace(program)
    return Chromium(program, {"LD_LIBRARY_PATH": str(folder / "lib"), "FONTCONFIG_FILE": str(folder / "fonts.conf")})


def _unpack(source: Path, target: Path) -> None:
    subprocess.run([_CHECKOUT.node, "-e", _UNPACK, source, target], check=True, timeout=120)


def environment(chromium: Chromium) -> dict[str, str | float | bool]:
    """Give the whole environment to start it in."""
    return {**os.environ, **chromium.environ}
