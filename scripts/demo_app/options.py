"""What a person asks of a demo, and the settings that follow from it."""

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from pricestream.errors import SettingsError
from pricestream.producer_settings import SimulatedSettings
from scripts.demo_app.place import Place

#: Virtual seconds in one real second, where the made-up market runs until Ctrl-C.
ENDLESS_SPEED: Final = 60.0

#: What the real API allows without a key, and the lateness that goes with it (seconds).
_REAL_POLL_SECONDS: Final = 90
_REAL_LATENESS_SECONDS: Final = 300

#: A made-up market of no more hours than this is over before it pays that Java compiles what runs often once more.
_BRIEF_HOURS: Final = 24


class SourceName(StrEnum):
    """Where the prices come from."""

    SIMULATED = "simulated"
    COINGECKO = "coingecko"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, checked.

    Attributes:
        source: where the prices come from.
        file: the recording to replay; None for the other sources.
        seed: of the made-up market; None leaves it to the settings file.
        hours: how long the made-up market runs on its own clock; None leaves it to the settings file.
        speed: virtual seconds in one real second, 0 for as fast as it goes; None for the usual.
        coin_id: what the recording prices, where the file does not say.
        vs_currency: what the recording prices it in.
        keep_running: whether to go on until Ctrl-C.
        open_page: whether to show the live page in the browser, and to keep it until Ctrl-C.
        overrides: further settings, each ``section.key=value``; they have the last word.
    """

    source: SourceName
    file: Path | None = None
    seed: int | None = None
    hours: float | None = None
    speed: float | None = None
    coin_id: str | None = None
    vs_currency: str | None = None
    keep_running: bool = False
    open_page: bool = False
    overrides: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what does not go together.

        Raises:
            SettingsError: an option belongs to another source, or the recording is missing.
        """
        if self.source is SourceName.REPLAY and self.file is None:
            raise SettingsError("--source replay needs the recording: ./scripts/demo --source replay FILE")
        if self.file is not None and not self.file.is_file():
            raise SettingsError(f"{self.file}: there is no such file")
        for source, names in _OWN.items():
            for name in names:
                if self.source is not source and getattr(self, name) is not None:
                    label = "FILE" if name == "file" else f"--{name.replace('_', '-')}"
                    raise SettingsError(f"{label} is only for --source {source}, not for {self.source}")
        if self.source is SourceName.COINGECKO and self.speed is not None:
            raise SettingsError("--speed is not for --source coingecko: the real market keeps its own time")

    @property
    def runs_until_stopped(self) -> bool:
        """Whether only Ctrl-C ends it; the real market has no end."""
        return self.keep_running or self.source is SourceName.COINGECKO

    def is_brief(self, market: SimulatedSettings) -> bool:
        """Tell whether it is over in a minute or so, by the settings of the made-up market."""
        is_bounded = self.source is SourceName.SIMULATED and not self.runs_until_stopped
        return is_bounded and not market.speed and market.hours is not None and market.hours <= _BRIEF_HOURS


_OWN: Final = {
    SourceName.SIMULATED: ("seed", "hours"),
    SourceName.REPLAY: ("file", "coin_id", "vs_currency"),
}


def overrides(options: Options, place: Place, endpoint_url: str) -> list[str]:
    """Lay out the settings of a demo over the settings file, as ``--set`` takes them."""
    values: dict[str, Any] = {
        "stream.endpoint_url": endpoint_url,
        "producer.source": str(options.source),
        "producer.state_dir": str(place.producer),
        "job.ticks": str(place.ticks),
        "job.bars": str(place.bars),
        "job.csv": str(place.csv),
        "job.checkpoint": str(place.checkpoint),
        "job.report": str(place.report),
        "job.stop_file": str(place.stop_file),
        "job.status_file": str(place.status_file),
        **_of_source(options),
    }
    # JSON is YAML too, so no path and no id is taken for anything else.
    laid_out = [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return [*laid_out, *options.overrides]


def _of_source(options: Options) -> dict[str, Any]:
    if options.source is SourceName.COINGECKO:
        return {
            "producer.poll_seconds": _REAL_POLL_SECONDS,
            "job.allowed_lateness_seconds": _REAL_LATENESS_SECONDS,
        }
    speed = options.speed
    if options.source is SourceName.REPLAY:
        given = {
            "producer.replay.path": str(options.file),
            "producer.replay.speed": speed,
            "producer.replay.coin_id": options.coin_id,
            "producer.vs_currencies": [options.vs_currency] if options.vs_currency else None,
        }
        return {key: value for key, value in given.items() if value is not None}
    if speed is None and options.keep_running:
        speed = ENDLESS_SPEED
    given = {
        "producer.simulated.seed": options.seed,
        "producer.simulated.hours": options.hours,
        "producer.simulated.speed": speed,
    }
    chosen = {key: value for key, value in given.items() if value is not None}
    endless = {"producer.simulated.hours": None} if options.keep_running and options.hours is None else {}
    return {**chosen, **endless}
