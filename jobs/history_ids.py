"""Whose prices a file of history holds: which coin, in which currency."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from jobs.history_layout import Layout, short
from pricestream.errors import SourceError
from pricestream.tick import ID_PATTERN, is_valid_id

_OPTIONS: Final = {"coin_id": "--coin-id", "vs_currency": "--vs-currency"}


@dataclass(frozen=True)
class IdRule:
    """Where each row has its id from."""

    #: The column that holds it: a key of :data:`jobs.history_layout.NAMES`.
    column: str | None = None
    #: Else: a folder in the path of the row's file has it, as in ``coin_id=bitcoin``.
    is_in_path: bool = False
    #: Else: what every row has.
    value: str | None = None
    #: A row of ``column`` that says anything else is not ``value``'s.
    only: str | None = None


def folder_pattern(what: str) -> str:
    """Give the regular expression of a folder that names something; its group is the name."""
    return rf"/{what}=({ID_PATTERN})/"


def id_rule(path: str, layout: Layout, what: Literal["coin_id", "vs_currency"], given: str | None) -> IdRule:
    """Decide where ids come from: a column, a folder such as ``coin_id=bitcoin``, or what a person gave.

    An exchange's symbol is an id only where nothing was given: ``BTC/USD`` is none.

    Args:
        path: one of the files.
        layout: how it is laid out.
        what: the coin or the currency.
        given: what a person said it is.

    Raises:
        SourceError: nothing gives the id, or what gives it cannot; the message says what to do.
    """
    if what in layout.places:
        _check_ids(path, layout, what, what)
        return IdRule(column=what)
    if what == "coin_id" and "symbol" in layout.places:
        return _rule_of_symbols(path, layout, given)
    if re.search(folder_pattern(what), path):
        return IdRule(is_in_path=True)
    if given is None:
        raise SourceError(f"{path}: has no column {what}; give it with {_OPTIONS[what]}")
    return IdRule(value=given)


def _rule_of_symbols(path: str, layout: Layout, given: str | None) -> IdRule:
    symbols = sorted({text for row in layout.sample if (text := row["symbol"])})
    if given is None:
        _check_ids(path, layout, "coin_id", "symbol")
        return IdRule(column="symbol")
    if len(symbols) > 1:
        raise SourceError(
            f"{path}: holds several symbols ({', '.join(map(short, symbols[:5]))}), which cannot all be {given}; "
            "give its rows a column coin_id, or split it by symbol"
        )
    return IdRule(column="symbol", value=given, only=symbols[0]) if symbols else IdRule(value=given)


def _check_ids(path: str, layout: Layout, what: str, column: str) -> None:
    texts = [text for row in layout.sample if (text := row[column])]
    if texts and not any(is_valid_id(text.lower() if column == "symbol" else text) for text in texts):
        name = layout.names[layout.places[column]]
        advice = f"give it with {_OPTIONS[what]}" if column == "symbol" else "write ids such as bitcoin or usd"
        raise SourceError(f"{path}: the {name} {short(texts[0])} is no {what}; {advice}")
