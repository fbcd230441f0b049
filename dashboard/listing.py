"""Listing: which coins of the list are shown, in which order, on which page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dashboard.model import CoinRow

PAGE_ROWS: Final = 50


@dataclass(frozen=True)
class Page:
    """A page of the list."""

    rows: tuple[CoinRow, ...]
    #: How many coins match in all.
    found: int
    #: This one's number, and how many there are, both from 1 on.
    number: int
    pages: int

    @property
    def first(self) -> int:
        """The place of its first row in the whole, from 1 on; 0 in an empty one."""
        return (self.number - 1) * PAGE_ROWS + 1 if self.rows else 0


def make_page(rows: Sequence[CoinRow], *, text: str | None, sort: str, number: int, listed: Sequence[str] = ()) -> Page:
    """Choose and order coins.

    Args:
        rows: all of them.
        text: what their names must have in them, in any case, each word of it; their currency counts.
        sort: ``listed`` (as the settings list them, then by name), ``name``, ``up`` or ``down`` (by change).
        number: of the page, from 1 on; too large a one is the last.
        listed: the coins of the settings.
    """
    words = (text or "").casefold().split()
    found = [row for row in rows if all(word in " ".join(row.market).casefold() for word in words)]
    place = {coin: at for at, coin in enumerate(listed)}

    def by_name(row: CoinRow) -> tuple[str, str]:
        return row.market

    def by_place(row: CoinRow) -> tuple[int, str, str]:
        return (place.get(row.market.coin_id, len(place)), *row.market)

    found.sort(key=by_place if sort == "listed" else by_name)
    if sort in ("up", "down"):
        known = [row for row in found if row.change_pct is not None]
        unknown = [row for row in found if row.change_pct is None]
        known.sort(key=lambda row: row.change_pct or 0.0, reverse=sort == "up")
        found = known + unknown
    pages = max(1, -(-len(found) // PAGE_ROWS))
    number = min(max(1, number), pages)
    first = (number - 1) * PAGE_ROWS
    return Page(tuple(found[first : first + PAGE_ROWS]), len(found), number, pages)
