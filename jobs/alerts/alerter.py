"""Alerter: tells of events in a thread of its own, behind the stream and never in its way.

What has happened is a function of the closed bars, so nothing needs to be kept but how far each channel was told. A
channel that fails is told later; one that was told just before the job died is told again, with the same ids.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from jobs.alerts.channels import Channel, NotTakenError
from jobs.alerts.event import Event, lag_event
from jobs.query_error import reason_of
from jobs.storage import Store
from pricestream.alert_settings import AlertRule
from pricestream.errors import StorageError
from pricestream.json_text import parse_json

log = logging.getLogger(__name__)

#: What is looked at in one go; a channel that was dead for days catches up piece by piece.
_PIECE_SECONDS: Final = 86_400
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 300.0
#: A stop waits for what is being sent, but not for ever: it is sent again at the next start.
_PATIENCE_SECONDS: Final = 15
#: What is kept of lags for a channel that is dead.
_LAGS_KEPT: Final = 100


@dataclass(frozen=True)
class TellMarks:
    """How far each channel was told, in a small file of the checkpoint."""

    store: Store
    name: str = "alerted.json"

    def read(self) -> dict[str, int]:
        """Give, by channel, when the last window ended that it knows of, epoch seconds."""
        try:
            found = parse_json(self.store.read(self.name) or b"{}")
            return {str(channel): int(end) for channel, end in found.items()}
        except (ValueError, TypeError, AttributeError):
            log.warning("how far alerts were told is not legible (%s); they go on from here", self.name)
            return {}

    def write(self, marks: dict[str, int]) -> None:
        """Remember it."""
        self.store.write(self.name, json.dumps(marks).encode())


@dataclass
class _Line:
    """One channel, and where it stands."""

    channel: Channel
    told_s: int
    lags: list[Event] = field(default_factory=list)
    #: Told already, of the windows that are not told whole.
    sent: set[str] = field(default_factory=set)
    failures: int = 0
    not_before: float = 0.0


@dataclass
class Alerter:
    """Told by the stream how far it is, it tells the channels what has happened."""

    #: Gives the events of windows that end in ``(after, through]``, epoch seconds.
    find: Callable[[int, int], list[Event]]
    channels: Sequence[Channel]
    marks: TellMarks
    #: Up to here windows were closed as the job began, epoch seconds; 0 on a new checkpoint.
    began_s: int = 0
    lag_rules: Sequence[AlertRule] = ()
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    _lines: list[_Line] = field(default_factory=list)
    _through_s: int = 0
    _lagging: set[str] = field(default_factory=set)
    _lag_events: list[Event] = field(default_factory=list)
    _wake: threading.Condition = field(default_factory=threading.Condition)
    _stopping: bool = False
    _thread: threading.Thread | None = None

    def look(self, *, published_s: int, lag_s: float | None = None) -> None:
        """Say how far the stream is. Returns at once.

        Args:
            published_s: windows that end here or before are published, epoch seconds; 0 before there is one.
            lag_s: for how long nothing new was read, seconds; None where that is not known.
        """
        with self._wake:
            self._through_s = max(self._through_s, published_s)
            if lag_s is not None:
                self._notice_lag(lag_s)
            self._wake.notify()
        if self._thread is None and self._through_s:
            self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
            self._thread.start()

    def _notice_lag(self, lag_s: float) -> None:
        for rule in self.lag_rules:
            is_over = lag_s > (rule.value or 0)
            if is_over and rule.name not in self._lagging:
                self._lag_events.append(lag_event(rule, lag_s=lag_s, now_s=int(self.clock())))
            (self._lagging.add if is_over else self._lagging.discard)(rule.name)

    def stop(self, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        """Tell what there is still to tell, once, and end."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(patience_seconds)
            if self._thread.is_alive():
                log.info("alerts are broken off; the next run goes on with them")

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._stopping:
                    self._wake.wait(_FIRST_PAUSE_SECONDS)
                is_last = self._stopping
            try:
                self.tell()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is no reason to end the stream
                log.warning("alerts could not be found, and are looked for again: %s", reason_of(error))
            if is_last:
                return

    def tell(self) -> None:
        """Tell each channel that is due what it does not know yet."""
        with self._wake:
            through_s, lags = self._through_s, self._lag_events
            self._lag_events = []
        if not self._lines:
            self._lines = self._open(through_s)
        for line in self._lines:
            line.lags = [*line.lags, *lags][-_LAGS_KEPT:]
        due = [line for line in self._lines if self.monotonic() >= line.not_before]
        found: dict[tuple[int, int], list[Event]] = {}
        for line in due:
            span = (line.told_s, min(through_s, line.told_s + _PIECE_SECONDS))
            if span[0] < span[1] and span not in found:
                found[span] = self.find(*span)
            self._tell(line, found.get(span, []), span[1])

    def _open(self, through_s: int) -> list[_Line]:
        """Begin where each channel stands; a new one hears of what closes from now on.

        On a new checkpoint that is the last day of what the first micro-batch closed.
        """
        marks = self.marks.read()
        begin = self.began_s or through_s - _PIECE_SECONDS
        lines = [_Line(each, min(marks.get(each.name, begin), through_s)) for each in self.channels]
        self._write(lines)
        return lines

    def _tell(self, line: _Line, events: list[Event], through_s: int) -> None:
        try:
            while line.lags:
                line.channel.send(line.lags[0])
                del line.lags[0]
            for event in events:
                if event.id not in line.sent:
                    line.channel.send(event)
                    line.sent.add(event.id)
        except NotTakenError as error:
            self._put_off(line, error)
            return
        if line.failures:
            log.info("alerts reach the %s again", line.channel.name)
        line.failures, line.not_before = 0, 0.0
        if through_s > line.told_s:
            line.told_s, line.sent = through_s, set()
            self._write(self._lines)

    def _put_off(self, line: _Line, error: NotTakenError) -> None:
        pause = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**line.failures)
        if not line.failures:
            log.warning("alerts do not reach the %s, and are sent again until they do: %s", line.channel.name, error)
        line.failures = min(line.failures + 1, 30)
        line.not_before = self.monotonic() + pause

    def _write(self, lines: list[_Line]) -> None:
        try:
            self.marks.write({line.channel.name: line.told_s for line in lines})
        except StorageError as error:
            log.warning("how far alerts were told is not remembered: %s", error)
