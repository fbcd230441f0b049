"""A demo from its start to its end."""

import time
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Final

from rich.console import Console

from pricestream.settings import Settings
from scripts.demo_app.child import Children, tail
from scripts.demo_app.closing import close, shown
from scripts.demo_app.display import Display
from scripts.demo_app.environment import child_environment
from scripts.demo_app.errors import BrokenOffError, DemoError
from scripts.demo_app.live_page import LivePage
from scripts.demo_app.options import Options, SourceName
from scripts.demo_app.patience import Patience
from scripts.demo_app.place import Place
from scripts.demo_app.processes import Processes, start
from scripts.demo_app.reports import JobReport, ProducerReport, is_complete, is_landed, read_job, read_producer
from scripts.demo_app.results import read_results
from scripts.demo_app.signals import stop_on_signals
from scripts.local_env.checkout import Checkout

#: How long a demo that ends by itself may be without any news before it is given up.
_STALL_SECONDS: Final = 180.0
_LOOK_SECONDS: Final = 0.2
_NOTE_LENGTH: Final = 100


class Demo:
    """Runs the processes, watches them, and says what came of it."""

    def __init__(self, options: Options, config: Path, place: Place, console: Console) -> None:
        """Make a demo of what the person asked for, in a folder that is prepared."""
        self._options = options
        self._config = config
        self._place = place
        self._console = console
        self._stop = Event()
        self._page: LivePage | None = None

    def run(self, settings: Settings, checkout: Checkout, environ: Mapping[str, str]) -> bool:
        """Run to the end and print the results; tell whether it came to its end.

        Args:
            settings: as they will be, but for the stand-in's address.
            checkout: where the project is.
            environ: our own environment.

        Raises:
            PricestreamError: a process ended before its time, or nothing moves any more.
        """
        started = time.monotonic()
        is_brief = self._options.is_brief(settings.producer.simulated)
        environ = child_environment(environ, checkout.spark_home, checkout.python, is_brief=is_brief)
        display = Display(self._console, self._market_ms(settings))
        with stop_on_signals(self._stop), Children(environ, checkout.root) as lasting:
            if self._options.open_page:
                self._page = LivePage(lasting, checkout.root, self._place)
            with Children(environ, checkout.root) as children, display:
                display.say(greeting(self._options, settings))
                processes = start(children, self._options, self._config, self._place)
                is_whole = self._watch(processes, display)
                self._finish(processes, display)
            self._close(settings, is_whole=is_whole, seconds=time.monotonic() - started)
            if self._page and is_whole:
                self._page.stay(self._stop, lambda text: self._console.print(text, markup=False, highlight=False))
        return is_whole or self._options.runs_until_stopped

    def _watch(self, processes: Processes, display: Display) -> bool:
        """Watch until the demo is done, or Ctrl-C; tell whether it is done."""
        patience = Patience(_STALL_SECONDS)
        while not self._stop.wait(_LOOK_SECONDS):
            processes.check()
            if self._page:
                self._page.look(display.say)
            has_ended = processes.producer.exit_code == 0
            producer, job = self._look(display)
            if self._options.runs_until_stopped:
                continue
            if has_ended and is_complete(producer, job, processes.settings.job):
                return True
            if patience.is_lost((producer, job)):
                logs = shown(self._place.root / "logs")
                raise DemoError(f"nothing has moved for {_STALL_SECONDS:.0f} s; the logs are in {logs}")
        return False

    def _finish(self, processes: Processes, display: Display) -> None:
        if self._stop.is_set():
            display.say("Stopping: what was sent is still read. Ctrl-C again breaks off.")
            self._stop.clear()

        def wait() -> None:
            if self._stop.wait(_LOOK_SECONDS):
                raise BrokenOffError("broken off; the CSV tree may lack the last bars")
            self._look(display)

        processes.finish(self._place, lambda: is_landed(*self._read()), wait)

    def _read(self) -> tuple[ProducerReport, JobReport]:
        return read_producer(self._place.summary_file), read_job(self._place.status_file)

    def _look(self, display: Display) -> tuple[ProducerReport, JobReport]:
        producer, job = self._read()
        # What it says where it cannot get on, e.g. with no network.
        note = "" if producer.seq else tail(self._place.log("producer"), 1)[:_NOTE_LENGTH]
        display.show(producer, job, note=note)
        return producer, job

    def _market_ms(self, settings: Settings) -> float | None:
        hours = settings.producer.simulated.hours
        return hours * 3_600_000 if self._options.source is SourceName.SIMULATED and hours is not None else None

    def _close(self, settings: Settings, *, is_whole: bool, seconds: float) -> None:
        interval = settings.job.base_interval
        results = read_results(self._place.csv, self._place.ticks, interval, is_complete=is_whole)
        close(self._console, self._place, results, interval, read_job(self._place.status_file), seconds)


def greeting(options: Options, settings: Settings) -> str:
    """Say what is about to happen."""
    producer, job = settings.producer, settings.job
    if options.source is SourceName.REPLAY:
        what = f"Replaying {producer.replay.path}"
    elif options.source is SourceName.COINGECKO:
        first = (job.watermark_seconds + job.interval_seconds) / 60
        what = (
            f"Polling CoinGecko for {len(producer.coins)} coins every {producer.poll_seconds:g} s. "
            f"The first bar is final after about {first:.0f} minutes"
        )
    else:
        length = "without end" if producer.simulated.hours is None else f"for {producer.simulated.hours:g} h"
        what = f"A made-up market of {len(producer.coins)} coins (seed {producer.simulated.seed}) {length}"
    return f"{what}. Ctrl-C stops." if options.runs_until_stopped else f"{what}."
