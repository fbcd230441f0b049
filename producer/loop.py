"""The loop: poll, number, spool, send; then wait for the next poll."""

import logging
from threading import Event

from coingecko.clock import Clock
from pricestream import tick
from pricestream.settings import Settings
from pricestream.utc import iso
from producer.quote import Poll
from producer.sender import Sender, Sent
from producer.sink import MAX_RECORDS
from producer.source import Source
from producer.spool import Spool
from producer.summary import Summary, SummaryFile

log = logging.getLogger(__name__)


class Loop:
    """Runs a source to its end, or until it is told to stop."""

    def __init__(
        self,
        settings: Settings,
        source: Source,
        spool: Spool,
        sender: Sender,
        summary_file: SummaryFile,
        real_clock: Clock,
        stop: Event,
    ) -> None:
        """Tie the parts together; polling goes by the source's clock, sending by the real one."""
        self._settings = settings
        self._source = source
        self._spool = spool
        self._sender = sender
        self._summary_file = summary_file
        self._real_clock = real_clock
        self._stop = stop
        self._clock_ms = 0
        # A clock that does not wait would make hundreds of small calls; full ones are as good.
        self._minimum = MAX_RECORDS if source.clock.instant else 1
        self.summary = Summary(
            settings.producer.id, source.name, first_seq=spool.next_seq, seq=spool.next_seq - 1, spooled=spool.pending
        )

    def run(self) -> Summary:
        """Poll until the source ends or ``stop`` is set, send what is left, and give the counts.

        Raises:
            PricestreamError: something that a person must put right; what was polled stays in the spool.
        """
        self._greet()
        try:
            self._sender.prepare()
            self._count_sent(self._sender.send())
            self._poll_on()
            self._drain()
            self.summary.sent += self._sender.flush()
            self.summary.finished = True
        finally:
            self.summary.spooled = self._spool.pending
            self._summary_file.write(self.summary, now=True)
        self._take_leave()
        return self.summary

    def _poll_on(self) -> None:
        clock = self._source.clock
        period_ms = max(1, round(self._settings.producer.poll_seconds * 1000))
        due_ms = clock.now_ms()
        while self._await_room():
            poll = self._source.poll()
            if poll is None:
                return
            self._take(poll)
            # Polls keep to a grid, so that the time a poll takes does not shift all later ones.
            now_ms = clock.now_ms()
            missed = max(0, (now_ms - due_ms) // period_ms)
            # Never more than one period away: a clock that is set back starts another grid.
            due_ms = min(due_ms + (missed + 1) * period_ms, now_ms + period_ms)
            clock.sleep((due_ms - now_ms) / 1000, self._stop)

    def _await_room(self) -> bool:
        """Wait while the spool is full; give whether to go on."""
        if self._spool.full and not self._stop.is_set():
            self._count_sent(self._sender.send())
            if self._spool.full:
                log.warning(
                    "the spool is full (producer.spool.max_megabytes %g, %d ticks): polling stops until they are sent",
                    self._settings.producer.spool.max_megabytes,
                    self._spool.pending,
                )
            while self._spool.full and not self._stop.is_set():
                self._sender.wait()
                self._count_sent(self._sender.send())
        return not self._stop.is_set()

    def _drain(self) -> None:
        """Send what is left, however long the stream is out of reach, or until told to stop."""
        self._count_sent(self._sender.send())
        if self._spool.pending and not self._stop.is_set():
            log.warning("the source has ended; %d ticks still wait for the stream", self._spool.pending)
        while self._spool.pending and not self._stop.is_set():
            self._sender.wait()
            self._count_sent(self._sender.send())

    def _take(self, poll: Poll) -> None:
        for warning in poll.warnings:
            log.warning("%s", warning)
        records = self._number(poll)
        self._spool.append(records)
        sent = self._sender.send(self._minimum)
        self.summary.count(records)
        self.summary.polls += 1
        self.summary.api_calls += poll.calls
        self.summary.api_refusals += poll.refusals
        self.summary.calls_left = poll.calls_left.month if poll.calls_left else None
        self._count_sent(sent)
        self._report(poll, sent)

    def _number(self, poll: Poll) -> list[tick.Tick]:
        producer_id, source, first = self._settings.producer.id, self._source.name, self._spool.next_seq
        records = [
            quote.numbered(producer_id=producer_id, seq=seq, source=source)
            for seq, quote in enumerate(poll.quotes, first)
        ]
        self._clock_ms = self._steady(poll.clock_ms)
        end = first + len(records)
        beat = tick.heartbeat(clock_ms=self._clock_ms, producer_id=producer_id, seq=end, source=source)
        return [*records, beat]

    def _steady(self, clock_ms: int) -> int:
        """Keep a heartbeat from going back with the machine's clock, as far as the stream takes what is ahead of it.

        Where the clock was further ahead it was wrong, and a heartbeat that stayed there would close nothing.
        """
        is_far_ahead = self._clock_ms - clock_ms > tick.CLOCK_SKEW_SECONDS * 1000
        return clock_ms if is_far_ahead else max(self._clock_ms, clock_ms)

    def _count_sent(self, sent: Sent) -> None:
        self.summary.sent += sent.sent
        self.summary.spooled = self._spool.pending
        self._summary_file.write(self.summary)

    def _report(self, poll: Poll, sent: Sent) -> None:
        if not log.isEnabledFor(logging.INFO):
            return
        left = poll.calls_left
        log.info(
            "poll %d at %s: coins %d, ticks %d, sent %d, failed %d, spooled %d, "
            "budget left %s this minute, %s this month",
            self.summary.polls,
            iso(poll.clock_ms / 1000),
            poll.coins,
            len(poll.quotes),
            sent.sent,
            sent.failed,
            self._spool.pending,
            "unlimited" if left is None or left.minute is None else left.minute,
            "unlimited" if left is None or left.month is None else left.month,
        )

    def _greet(self) -> None:
        producer, bar = self._settings.producer, self._settings.job.interval_seconds
        # A replay gives every recorded event, however seldom it polls.
        if self._source.name != "replay" and bar < 2 * producer.poll_seconds:
            log.warning(
                "a bar of %d s holds hardly more than one poll every %g s: make job.base_interval longer "
                "or producer.poll_seconds shorter",
                bar,
                producer.poll_seconds,
            )
        if self._spool.pending:
            log.info("%d ticks of an earlier run are sent first", self._spool.pending)

    def _take_leave(self) -> None:
        if self._spool.pending:
            log.warning("%d ticks are left in the spool; the next run sends them first", self._spool.pending)
        log.info(
            "done: %d polls, %d ticks, %d heartbeats, %d sent, %d left in the spool, last seq %d",
            self.summary.polls,
            self.summary.ticks,
            self.summary.heartbeats,
            self.summary.sent,
            self._spool.pending,
            self.summary.seq,
        )
