"""Report text: what comes from outside, as the page shows it."""

from html import escape
from typing import Final

#: What turns the direction of writing would do so for what stands beside it, too.
_TURNS: Final = dict.fromkeys(
    (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\N{REPLACEMENT CHARACTER}"
)


def plain(text: str) -> str:
    """Let a text turn nothing."""
    return text.translate(_TURNS)


def markup(text: str) -> str:
    """Let a text be nothing but text, between tags and in an attribute."""
    return escape(plain(text))
