"""Address: what a person has chosen, as the query of the page's URL, which can be kept and passed on."""

from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

from dashboard.model import Market

SORTS: Final = ("listed", "name", "up", "down")
#: So many windows a chart shows; the last is all that are read.
LOOKS: Final = (60, 120, 240, 500)
_LONGEST: Final = 300
_FIRST: Final = {"sort": "listed", "page": 1, "last": 120}


@dataclass(frozen=True)
class Choice:
    """What is chosen. None leaves it to the page: the first coin, the shortest interval."""

    coin_id: str | None = None
    vs_currency: str | None = None
    interval: str | None = None
    #: How many windows the chart shows.
    last: int = 120
    sort: str = "listed"
    #: Of the list, from 1 on.
    page: int = 1

    def but(self, **changes: Any) -> str:
        """Write the address of this choice with other values."""
        return write(replace(self, **changes))


def write(choice: Choice) -> str:
    """Write the query, ``?`` first. What everybody gets anyway is left out."""
    names = {
        "coin": choice.coin_id,
        "in": choice.vs_currency,
        "interval": choice.interval,
        "last": choice.last,
        "sort": choice.sort,
        "page": choice.page,
    }
    given = {name: value for name, value in names.items() if value is not None and value != _FIRST.get(name)}
    return f"?{urlencode(given)}"


def read(query: str | None) -> Choice:
    """Read a query; what makes no sense in it is as if it were not there."""
    try:
        found = parse_qs((query or "").removeprefix("?"), max_num_fields=20)
    except ValueError:
        return Choice()
    given = {name: values[0] for name, values in found.items() if len(values[0]) <= _LONGEST}
    last, page = _whole(given.get("last")), _whole(given.get("page"))
    sort = given.get("sort")
    return Choice(
        coin_id=given.get("coin"),
        vs_currency=given.get("in"),
        interval=given.get("interval"),
        last=last if last in LOOKS else 120,
        sort=sort if sort in SORTS else "listed",
        page=page if page and 1 <= page <= 100_000 else 1,
    )


def settle(choice: Choice, markets: tuple[Market, ...], intervals: tuple[str, ...]) -> Choice:
    """Fill in what a choice leaves open, as far as there is anything to choose from.

    A coin that is named stays, whether it is there or not: it may still come.
    """
    if choice.coin_id is None:
        first = markets[0] if markets else None
        choice = replace(choice, coin_id=first and first.coin_id, vs_currency=first and first.vs_currency)
    elif choice.vs_currency is None:
        its = next((market for market in markets if market.coin_id == choice.coin_id), None)
        choice = replace(choice, vs_currency=its.vs_currency if its else "usd")
    if choice.interval not in intervals:
        choice = replace(choice, interval=intervals[0] if intervals else None)
    return choice


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= 9 else None
