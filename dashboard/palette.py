"""Palette: the colors of the chart, which no style sheet reaches; the same as in ``assets/page.css``."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Palette:
    """The colors of one theme."""

    text: str
    muted: str
    card: str
    line: str
    grid: str
    up: str
    down: str
    accent: str
    band: str
    warn: str
    gap: str


LIGHT: Final = Palette(
    text="#131822",
    muted="#5c677a",
    card="#ffffff",
    line="#e3e8ef",
    grid="#e9edf3",
    up="#0b8a5f",
    down="#cf2b3b",
    accent="#1d4ed8",
    band="rgba(29, 78, 216, 0.07)",
    warn="#a35a00",
    gap="rgba(163, 90, 0, 0.10)",
)
DARK: Final = Palette(
    text="#e8ecf3",
    muted="#97a3b8",
    card="#131822",
    line="#242c3a",
    grid="#212938",
    up="#34d399",
    down="#fb7583",
    accent="#6ea0ff",
    band="rgba(110, 160, 255, 0.10)",
    warn="#f5b95a",
    gap="rgba(245, 185, 90, 0.13)",
)
