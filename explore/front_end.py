"""Front end: what shows a notebook's output, and how figures and errors reach it."""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final

import pandas as pd
import plotly.io as pio
from plotly.io.base_renderers import MimetypeRenderer

from pricestream.cli import line_of
from pricestream.errors import PricestreamError

_WHOLE: Final = "pricestream"
#: How often a view is drawn anew, where that is cheap and where it is not, and how long at most.
_EVERY_SECONDS: Final = 1.0
_SELDOM_SECONDS: Final = 5.0
_AT_MOST_SECONDS: Final = 300.0


class _WholePage(MimetypeRenderer):  # type: ignore[misc]  # plotly has no types
    """Brings plotly's script along with each figure, and names nothing that would be fetched from somewhere."""

    def to_mimebundle(self, fig_dict: dict[str, Any]) -> dict[str, str]:
        """See :class:`plotly.io.base_renderers.MimetypeRenderer`."""
        page = pio.to_html(fig_dict, include_plotlyjs=True, include_mathjax=False, full_html=False)
        return {"text/html": page}


def draw_figures(*, has_extension: bool) -> None:
    """Choose how plotly's figures are shown; neither way needs a network.

    Args:
        has_extension: the front end has plotly's extension, as the JupyterLab of ``./scripts/notebook``. Without it
            each figure takes 5 MB.
    """
    pio.renderers[_WHOLE] = _WholePage()
    pio.renderers.default = "plotly_mimetype" if has_extension else _WHOLE


def say_errors_in_one_line() -> None:
    """Have the kernel show a :class:`PricestreamError` as its text alone. The cell fails all the same."""
    shell = _shell()
    if shell is not None:
        shell.set_custom_exc((PricestreamError,), _show_error)


def watch(
    look: Callable[[], Sequence[object]],
    *,
    until: Callable[[], bool],
    seconds: float = _AT_MOST_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Show a view that is drawn anew in place, until something is so, time is up, or the kernel is interrupted.

    Args:
        look: gives what is to be seen now, always as many things: figures, tables, texts.
        until: ends it; what ``look`` gives then is shown.
        seconds: how long at most.
        sleep: waits so many seconds.
        clock: tells the time, seconds.
    """
    slots: list[Slot] = []
    end = clock() + seconds
    try:
        while True:
            # Asked before the look, so that the last look shows all of it.
            is_over = until() or clock() >= end
            things = look()
            slots = slots or [Slot() for _ in things]
            for slot, thing in zip(slots, things, strict=True):
                slot.show(thing)
            if is_over:
                return
            sleep(_SELDOM_SECONDS if pio.renderers.default == _WHOLE else _EVERY_SECONDS)
    except KeyboardInterrupt:
        return
    finally:
        for slot in slots:
            slot.close()


class Slot:
    """A place below a cell that shows one thing after the other."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._has_display = _shell() is not None
        self._last: object = None

    def show(self, thing: object) -> None:
        """Show a figure, a table or a text in place of what was there."""
        self._last = thing
        if not self._has_display:
            return
        from IPython.display import display

        bundle = mime_bundle(thing)
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True)

    def close(self) -> None:
        """Show the last thing where nothing can be shown in between, as under Livy."""
        if not self._has_display and self._last is not None:
            print(mime_bundle(self._last)["text/plain"])  # noqa: T201 - there is no other way to show it


def mime_bundle(thing: Any) -> dict[str, Any]:
    """Give a figure, a table or a text in the forms in which a front end may show it."""
    if isinstance(thing, pd.DataFrame):
        return {"text/html": thing.to_html(index=False, border=0), "text/plain": thing.to_string(index=False)}
    if hasattr(thing, "_repr_html_") and not hasattr(thing, "_repr_mimebundle_"):
        return {"text/html": thing._repr_html_(), "text/plain": repr(thing)}
    if hasattr(thing, "_repr_mimebundle_"):
        # By itself a figure shows once; as a bundle it can be replaced.
        title = thing.layout.title.text or "a figure"
        return {"text/plain": title, **thing._repr_mimebundle_()}
    return {"text/plain": str(thing)}


def _shell() -> Any:
    """Give the IPython that runs this; None where there is none, as under Livy."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return None
    return get_ipython()


def _show_error(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    _trace: TracebackType,
    tb_offset: int | None = None,  # noqa: ARG001 - IPython gives it
) -> list[str]:
    lines = [f"{kind.__name__}: {line_of(error)}"]
    shell._showtraceback(kind, error, lines)  # noqa: SLF001 - the only way to give a kernel another text
    return lines
