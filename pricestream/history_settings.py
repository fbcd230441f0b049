"""The settings of backfills, and of how long things are kept."""

from pydantic import Field

from pricestream.section import Section


class BackfillSettings(Section):
    """How history is fetched and worked through."""

    #: The folder where fetched history is kept, so that an interrupted backfill need not fetch it again.
    history: str = ".local/lake/history"
    #: A folder on the disk of the machine that runs the backfill: the count of its API calls.
    state_dir: str = ".local/backfill"
    #: What a backfill may ask of the API, beside what the producer asks.
    calls_per_minute: int = Field(default=5, ge=1)
    calls_per_month: int | None = Field(default=2_000, ge=1)
    #: How many ticks are made into bars in one go, roughly; a range with more is done in steps of whole days.
    ticks_per_step: int = Field(default=5_000_000, ge=1_000)


class RetentionSettings(Section):
    """How long things are kept, and how often the tables are tidied; None keeps for ever, or never tidies."""

    #: Whole days of ``ticks``. What is gone can neither be audited nor rebuilt.
    ticks_days: int | None = Field(default=400, ge=8)
    bars_days: int | None = Field(default=None, ge=8)
    #: How long files that compaction or a change has replaced stay for whoever still reads them.
    replaced_files_hours: int = Field(default=168, ge=168)
    #: How long a table's log reaches back.
    log_days: int = Field(default=30, ge=8)
    #: How often the streaming job compacts and vacuums, while it streams.
    every_hours: float | None = Field(default=24, gt=0)
