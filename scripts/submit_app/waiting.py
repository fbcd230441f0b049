"""Waiting: look at something every few seconds until it is as it should be, and show how it is."""

from collections.abc import Callable
from typing import Final, TypeVar

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from scripts.submit_app.site import Site

_LOOK_SECONDS: Final = 5.0

T = TypeVar("T")


def wait_for(
    site: Site,
    what: str,
    look: Callable[[], T],
    *,
    is_enough: Callable[[T], bool],
    words: Callable[[T], str],
    patience_seconds: float | None,
) -> T:
    """Look until it is enough, or for so long.

    Args:
        site: whose clock goes, and where it is shown.
        what: what is waited for.
        look: looks at it.
        is_enough: whether to wait no longer.
        words: says in a few words how it is.
        patience_seconds: how long to wait; None waits for ever.

    Returns:
        What was seen last, whether it was enough or not.
    """
    started, said = site.clock(), ""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=site.console, transient=True, disable=not site.console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        while True:
            seen = look()
            line = f"{what}: {words(seen)}"
            progress.update(task, description=line)
            waited = site.clock() - started
            if not site.console.is_terminal and line != said:
                said = line
                site.say(f"{waited:4.0f} s  {line}")
            if is_enough(seen) or (patience_seconds is not None and waited >= patience_seconds):
                return seen
            site.sleep(_LOOK_SECONDS)
