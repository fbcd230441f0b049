"""History from CoinGecko for a backfill: told beforehand what it takes, fetched once, kept as files. No Spark here."""

import logging
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Final

import requests
from rich.console import Console

from coingecko.access import open_client
from coingecko.budget import CallBudget
from coingecko.chunk import Chunk, check_reach, plan_chunks
from coingecko.clock import RealClock
from coingecko.estimate import Estimate, estimate
from coingecko.history import History, Tally
from jobs.history_progress import show_progress
from jobs.storage import Store, open_store
from pricestream.errors import SettingsError, SourceError
from pricestream.history_settings import BackfillSettings
from pricestream.lock import hold_folder
from pricestream.settings import Settings
from pricestream.tick import is_valid_id
from pricestream.utc import iso

_BUDGET_FILE: Final = "budget.json"

log = logging.getLogger(__name__)


def fetch_history(
    settings: Settings, *, start_s: int, end_s: int, coins: Sequence[str], dry_run: bool, console: Console
) -> list[str]:
    """Fetch what is not kept yet of ``[start_s, end_s)`` (epoch seconds), and say on ``console`` what it takes.

    Currencies are ``producer.vs_currencies``. Each file holds a point a line, as JSON: ``coin_id``,
    ``vs_currency``, ``event_time`` (epoch ms), ``price``, ``market_cap``, ``volume_24h``.

    Args:
        settings: which plan, budget and folders.
        start_s: the range's begin.
        end_s: the range's end; what CoinGecko may still change is left out.
        coins: CoinGecko ids; one that CoinGecko does not know is a warning.
        dry_run: only say what it takes.
        console: where to say it.

    Returns:
        The paths of the range's files, all of them complete; none in a dry run.

    Raises:
        IncompleteError: the month's budget is used up, CoinGecko is out of reach, or a signal came.
        SettingsError: the range is empty, too late or beyond the plan's reach; a coin's id or the key is wrong.
        SourceError: CoinGecko refuses for good, or knows none of the coins.
        StorageError: a folder cannot be used, or another backfill uses it.
    """
    wrong = [coin_id for coin_id in coins if not is_valid_id(coin_id)]
    if wrong or not coins:
        raise SettingsError(f"--coins: {', '.join(map(repr, wrong)) or 'nothing'} is no CoinGecko id, such as bitcoin")
    now_s = RealClock().now_ms() // 1000
    chunks = plan_chunks(coins, settings.producer.vs_currencies, start_s=start_s, end_s=end_s, now_s=now_s)
    backfill = settings.job.backfill
    store = open_store(backfill.history, settings.job.s3, settings.stream.region)
    # Held before it is looked what is kept, so that what another backfill has just fetched is seen.
    with nullcontext() if dry_run else _hold(backfill):
        kept = {chunk for chunk in chunks if store.exists(chunk.key)}
        missing = [chunk for chunk in chunks if chunk not in kept]
        check_reach(missing, plan=settings.producer.coingecko.plan, now_s=now_s)
        budget = _open_budget(backfill)
        left = budget.left(RealClock().now_ms())
        cost = estimate(calls=len(missing), kept=len(kept), per_minute=backfill.calls_per_minute, left=left)
        _announce(console, settings, chunks, cost)
        if dry_run:
            return []
        tally = _fetch(settings, missing, budget, store, console) if missing else Tally(0)
    _tell(tally)
    found = [chunk for chunk in chunks if chunk in kept or chunk.coin_id not in tally.unknown]
    if not found:
        raise SourceError(f"CoinGecko knows none of the coins {', '.join(dict.fromkeys(coins))}; see --coins")
    return [f"{backfill.history.rstrip('/')}/{chunk.key}" for chunk in found]


def _fetch(settings: Settings, missing: Sequence[Chunk], budget: CallBudget, store: Store, console: Console) -> Tally:
    clock = RealClock()
    with requests.Session() as session, _stop_on_signals() as stop:
        client = open_client(settings.producer.coingecko, session, budget, clock, stop)
        with show_progress(console, len(missing)) as on_step:
            return History(client, budget, store, clock, stop).fetch(missing, on_step)


def _hold(backfill: BackfillSettings) -> AbstractContextManager[Path]:
    return hold_folder(
        Path(backfill.state_dir),
        setting="job.backfill.state_dir",
        holder="backfill",
        advice="start this one when that one has ended",
        is_private=True,
    )


def _open_budget(backfill: BackfillSettings) -> CallBudget:
    return CallBudget(
        Path(backfill.state_dir) / _BUDGET_FILE,
        per_minute=backfill.calls_per_minute,
        per_month=backfill.calls_per_month,
    )


def _announce(console: Console, settings: Settings, chunks: Sequence[Chunk], cost: Estimate) -> None:
    backfill = settings.job.backfill
    first, last = min(chunk.start_s for chunk in chunks), max(chunk.end_s for chunk in chunks)
    coins, currencies = {chunk.coin_id for chunk in chunks}, {chunk.vs_currency for chunk in chunks}
    span = f"from {iso(first)} to {iso(last)}"
    lines = [
        f"CoinGecko's history of {len(coins):,} coins in {', '.join(sorted(currencies))}, {span}",
        f"  calls   {cost.calls:,}, one per coin, currency and 90 days; {cost.kept:,} more chunks are kept already",
        f"  time    {_duration(cost.least_seconds)}, at {backfill.calls_per_minute} calls a minute",
    ]
    if cost.month_left is not None:
        fits = "" if cost.fits_month else "; the same command fetches the rest next month"
        lines.append(f"  budget  {cost.month_left:,} of {backfill.calls_per_month:,} calls are left this month{fits}")
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _tell(tally: Tally) -> None:
    """Say what of the answers is not in the files."""
    if tally.left_out:
        log.warning("%d points of CoinGecko's have no usable price; they are left out", tally.left_out)
    if tally.empty:
        log.warning("CoinGecko has no prices for %d of %d chunks", tally.empty, tally.fetched)


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """Let SIGTERM and Ctrl-C ask for a stop while this lasts; another thread than the main one gets no signals."""
    stop = threading.Event()
    is_main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGTERM, signal.SIGINT) if is_main else ()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _duration(seconds: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    if not seconds:
        return "seconds"
    return f"{hours} h {minutes} min or more" if hours else f"{minutes} min or more"
