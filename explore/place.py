"""Place: where a notebook runs, and with which settings; it finds out by itself."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from explore.front_end import draw_figures, say_errors_in_one_line
from explore.platform import newest_settings, notebook_producer
from jobs.settings_file import read_settings
from pricestream.errors import SettingsError
from pricestream.settings import Settings

Where = Literal["laptop", "EMR cluster", "EMR Serverless"]

#: The variables by which ``./scripts/notebook``, or a person, tells the notebooks something.
CONFIG: Final = "PRICESTREAM_CONFIG"
SETS: Final = "PRICESTREAM_SET"
SOURCE: Final = "PRICESTREAM_SOURCE"
LAKE: Final = "PRICESTREAM_LAKE"
STACK: Final = "PRICESTREAM_STACK"

ROOT: Final = Path(__file__).resolve().parents[1]

#: What every machine of an EMR cluster has, and what EMR Serverless sets; not tried there.
_CLUSTER_FILES: Final = ("/emr/instance-controller/lib/info/job-flow.json", "/mnt/var/lib/info/job-flow.json")
_SERVERLESS_PREFIX: Final = ("EMR_SERVERLESS_", "SPARK_EMR_SERVERLESS_")

#: A made-up market that a person can watch: two hours of it in a minute.
_PACE: Final = ("producer.simulated.hours=2", "producer.simulated.speed=120")


@dataclass(frozen=True, repr=False)
class Place:
    """Where a notebook runs.

    Attributes:
        where: what kind of machine.
        settings: those of the pipeline that it looks at.
        config: the file that they come from.
        lake: the folder of all that is written, where that and the stream are the notebooks' own.
        sets: what was laid over the settings by hand.
    """

    where: Where
    settings: Settings
    config: str
    lake: Path | None = None
    sets: tuple[str, ...] = ()

    @property
    def is_own(self) -> bool:
        """Whether the stream is a stand-in on this machine, and the lake a folder of the notebooks."""
        return self.lake is not None

    def __repr__(self) -> str:
        """Say it in lines, which a kernel without a display shows too."""
        job, stream = self.settings.job, self.settings.stream
        address = "a stand-in on this machine" if self.is_own else stream.endpoint_url or f"Kinesis in {stream.region}"
        return "\n".join(
            [
                f"where     {self.where}",
                f"settings  {self.config}",
                f"stream    {stream.name}, {address}",
                f"prices    {self.settings.producer.source}",
                f"tables    {job.ticks}",
                f"          {job.bars}",
                f"CSV       {job.csv}",
            ]
        )


def find_place(*sets: str, environ: Mapping[str, str] | None = None, root: Path = ROOT) -> Place:
    """Find out where this notebook runs.

    On a laptop the settings are ``conf/local.yaml`` with everything below one folder (``PRICESTREAM_LAKE``, or
    ``.local/notebook``). On EMR they are those with which the platform's job was last submitted, found by the stack's
    name (``PRICESTREAM_STACK``). ``PRICESTREAM_CONFIG``, a path or ``s3://…``, goes before both.

    Args:
        sets: ``section.key=value``, over the settings and over those of ``PRICESTREAM_SET`` (one a line).
        environ: the environment; None is the kernel's own.
        root: the checkout.

    Raises:
        PricestreamError: the settings cannot be found, or are wrong.
    """
    say_errors_in_one_line()
    environ = os.environ if environ is None else environ
    where = _where(environ)
    draw_figures(has_extension=where == "laptop")
    laid_over = (*environ.get(SETS, "").splitlines(), *sets)
    config = environ.get(CONFIG)
    if config is None and where == "laptop":
        lake = Path(environ.get(LAKE) or root / ".local" / "notebook").absolute()
        return own_place(lake, laid_over, source=environ.get(SOURCE) or "simulated", root=root)
    config = config or newest_settings(environ.get(STACK))
    below = () if where == "laptop" else notebook_producer()
    return Place(where, read_settings(config, [*below, *laid_over]), config, sets=laid_over)


def own_place(
    lake: Path, sets: tuple[str, ...] = (), *, source: str = "simulated", endpoint_url: str = "", root: Path = ROOT
) -> Place:
    """Lay out a laptop's settings, with everything below one folder.

    Args:
        lake: the folder.
        sets: what is laid over the settings by hand.
        source: ``simulated``, a made-up market, or ``coingecko``.
        endpoint_url: the stand-in for Kinesis; empty before there is one.
        root: the checkout.

    Raises:
        SettingsError: something that was laid over is wrong.
    """
    # What a demo lays out below its folder is what a notebook wants. On EMR none of it is there, nor needed.
    from scripts.demo_app.options import Options, SourceName, overrides
    from scripts.demo_app.place import Place as Folders

    if source not in (SourceName.SIMULATED, SourceName.COINGECKO):
        raise SettingsError(f"{SOURCE} {source}: is neither simulated nor coingecko")
    config = root / "conf" / "local.yaml"
    below = overrides(Options(SourceName(source)), Folders(lake), endpoint_url or "http://127.0.0.1")
    history = (f"job.backfill.history={lake}/history", f"job.backfill.state_dir={lake}/backfill")
    settings = read_settings(str(config), [*below, *history, *_PACE, *sets])
    return Place("laptop", settings, str(config), lake, sets)


def _where(environ: Mapping[str, str]) -> Where:
    if any(name.startswith(_SERVERLESS_PREFIX) for name in environ):
        return "EMR Serverless"
    if any(Path(name).exists() for name in _CLUSTER_FILES):
        return "EMR cluster"
    return "laptop"
