"""The three processes of a demo, and the order in which they start and stop."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pricestream.config import load_settings
from pricestream.settings import Settings
from scripts.demo_app.child import Child, Children
from scripts.demo_app.errors import DemoError
from scripts.demo_app.options import Options, overrides
from scripts.demo_app.place import Place
from scripts.demo_app.stand_in import StandIn

#: What the producer has to flush, and the job to take in, once a stop is asked for.
_FLUSH_SECONDS: Final = 60.0
#: What the job has to finish its batches and write its report.
_FINISH_SECONDS: Final = 180.0


@dataclass(frozen=True, slots=True)
class Processes:
    """What runs during a demo, and with which settings."""

    settings: Settings
    stand_in: Child
    job: Child
    producer: Child

    def check(self) -> None:
        """Make sure that all are well; the producer may have come to its end.

        Raises:
            ChildDiedError: one has ended before its time.
        """
        self.stand_in.check()
        self.job.check()
        self.producer.check(may_end=True)

    def finish(self, place: Place, is_landed: Callable[[], bool], wait: Callable[[], None]) -> None:
        """Stop along the data's way: the producer, the job once it has read everything, the stand-in.

        Args:
            place: where the job looks for its stop file.
            is_landed: whether the job has read all that the producer sent.
            wait: lets a moment pass, or raises to break off.

        Raises:
            ChildDiedError: the producer or the job did not end well.
            DemoError: the job does not end.
        """
        self.producer.ask_to_stop()
        _wait_for(lambda: self.producer.exit_code is not None, wait, _FLUSH_SECONDS)
        self.producer.check(may_end=True)
        _wait_for(lambda: is_landed() or self.job.exit_code is not None, wait, _FLUSH_SECONDS)
        place.stop_file.touch()
        if not _wait_for(lambda: self.job.exit_code is not None, wait, _FINISH_SECONDS):
            raise DemoError(f"the job does not stop; see {self.job.log}")
        self.job.check(may_end=True)
        self.stand_in.end()


def start(children: Children, options: Options, config: Path, place: Place) -> Processes:
    """Start the stand-in, make the stream, and start the job and the producer.

    Raises:
        ChildDiedError: the stand-in ended at once.
        SettingsError: the settings do not hold together.
    """
    stand_in = StandIn(children, place.log("stand-in"))
    stand_in.wait_until_ready()
    laid_over = overrides(options, place, stand_in.endpoint_url)
    settings = load_settings(config, laid_over)
    stand_in.create_stream(settings.stream)
    arguments = ["--config", str(config), *(word for each in laid_over for word in ("--set", each))]
    spark_submit = Path(sys.executable).parent / "spark-submit"
    job = children.start("job", [spark_submit, "jobs/stream_prices.py", *arguments], place.log("job"))
    producer = children.start("producer", [sys.executable, "-m", "producer", *arguments], place.log("producer"))
    return Processes(settings, stand_in.child, job, producer)


def _wait_for(is_there: Callable[[], bool], wait: Callable[[], None], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not is_there():
        if time.monotonic() > until:
            return False
        wait()
    return True
