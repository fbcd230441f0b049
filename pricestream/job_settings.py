"""The settings of the Spark jobs."""

from math import gcd
from typing import Final, Literal

from pydantic import Field, field_validator, model_validator

from pricestream.alert_settings import AlertSettings
from pricestream.history_settings import BackfillSettings, RetentionSettings
from pricestream.indicator_settings import IndicatorSettings
from pricestream.interval import interval_seconds
from pricestream.secret import is_secret_name
from pricestream.section import Interval, Section
from pricestream.tick import CLOCK_SKEW_SECONDS

#: What is rolled up where the settings do not say, as far as the base interval divides it.
_LONGER: Final = ("5m", "15m", "1h", "4h", "1d")


class KinesisSourceSettings(Section):
    """How Spark reads the stream."""

    #: ``qubole`` is on Maven Central; ``awslabs`` is the one in the EMR image.
    connector: Literal["qubole", "awslabs"] = "qubole"
    starting_position: Literal["TRIM_HORIZON", "LATEST"] = "TRIM_HORIZON"
    fail_on_data_loss: bool = True
    #: Only for ``awslabs``.
    consumer_type: Literal["GetRecords", "SubscribeToShard"] = "GetRecords"
    consumer_name: str | None = None
    max_fetch_records_per_shard: int = Field(default=100_000, ge=1)
    max_fetch_seconds_per_shard: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _is_what_the_connector_takes(self) -> "KinesisSourceSettings":
        if self.connector == "awslabs" and self.max_fetch_seconds_per_shard < 10:
            raise ValueError("max_fetch_seconds_per_shard must be 10 or more for the awslabs connector")
        if self.consumer_type == "SubscribeToShard" and not self.consumer_name:
            raise ValueError("consumer_type SubscribeToShard needs a consumer_name")
        return self


class S3Settings(Section):
    """How S3 is reached, and how several writers of one table are kept apart on it."""

    #: These two are only for a stand-in; on AWS they are not needed.
    endpoint_url: str | None = None
    path_style: bool = False
    #: A DynamoDB table through which several drivers take turns in committing to a Delta table on S3: the
    #: stream and a backfill. Without one only one of them may run.
    commit_table: str | None = Field(default=None, pattern=r"^[a-zA-Z0-9_.-]{3,255}$")
    #: A job that was killed still holds its checkpoint on S3. The next one watches it for so long, and then takes over.
    lease_seconds: float = Field(default=30, ge=1, le=600)


class SparkSettings(Section):
    """What the session is made with."""

    #: None leaves it to spark-submit.
    master: str | None = None
    app_name: str = "pricestream"
    #: Frozen into a checkpoint at its first batch.
    shuffle_partitions: int = Field(default=2, ge=1)
    #: Any further Spark setting.
    conf: dict[str, str] = Field(default_factory=dict)

    @field_validator("conf")
    @classmethod
    def _leaves_alone_what_numbers_hang_on(cls, conf: dict[str, str]) -> dict[str, str]:
        for key in ("spark.sql.session.timeZone", "spark.speculation"):
            if key in conf:
                raise ValueError(f"{key} must stay as the job sets it; leave it out")
        return conf

    @field_validator("conf")
    @classmethod
    def _holds_no_secret(cls, conf: dict[str, str]) -> dict[str, str]:
        # It would stand on the command line of the JVM, which every user of the machine can read.
        for key, value in conf.items():
            if is_secret_name(key, value):
                raise ValueError(f"{key} is a secret, and secrets are no settings; AWS credentials come from the chain")
        return conf


class JobSettings(Section):
    """The streaming job: where it reads, how it windows, where it writes."""

    kinesis: KinesisSourceSettings = KinesisSourceSettings()
    s3: S3Settings = S3Settings()
    spark: SparkSettings = SparkSettings()
    #: The folders of the tables, the CSV tree and the checkpoints: a path, ``file:``, ``s3a://`` or ``s3://``.
    ticks: str = ".local/lake/ticks"
    bars: str = ".local/lake/bars"
    csv: str = ".local/lake/csv"
    checkpoint: str = ".local/lake/checkpoint"
    #: Where the page goes when the job stops; None writes none.
    report: str | None = ".local/lake/report.html"
    #: The job stops, after the batch it is in, when this file appears.
    stop_file: str = ".local/lake/STOP"
    #: Where the job says, every second, how far it has come.
    status_file: str = ".local/lake/status.json"
    #: How often ticks are landed; bars follow at once.
    trigger_seconds: float = Field(default=10, ge=0, le=3_600, allow_inf_nan=False)
    base_interval: Interval = "1m"
    #: The longer intervals, rolled up from base bars. None is 5m, 15m, 1h, 4h and 1d, as far as the base divides them.
    intervals: list[Interval] | None = None
    indicators: IndicatorSettings = IndicatorSettings()
    #: Whether the CSV has rows for windows without a tick; the table always has.
    csv_gaps: bool = False
    allowed_lateness_seconds: int = Field(default=300, ge=1)
    #: How far the watermark trails the newest event; None is the least that drops no accepted tick.
    watermark_delay_seconds: int | None = None
    backfill: BackfillSettings = BackfillSettings()
    retention: RetentionSettings = RetentionSettings()
    alerts: AlertSettings = AlertSettings()

    @property
    def longer_intervals(self) -> tuple[str, ...]:
        """The intervals that are rolled up, from the shortest on."""
        named = self.intervals if self.intervals is not None else [each for each in _LONGER if self._divides(each)]
        return tuple(sorted(named, key=interval_seconds))

    @property
    def all_intervals(self) -> tuple[str, ...]:
        """The base interval and the longer ones, from the shortest on."""
        return (self.base_interval, *self.longer_intervals)

    def _divides(self, name: str) -> bool:
        seconds = interval_seconds(name)
        return seconds > self.interval_seconds and seconds % self.interval_seconds == 0

    @property
    def interval_seconds(self) -> int:
        """Length of a base bar in seconds."""
        return interval_seconds(self.base_interval)

    @property
    def watermark_seconds(self) -> int:
        """How far the watermark trails the newest event.

        An accepted event lies at most ``allowed_lateness`` before and at most the clock skew after
        its poll, so two events polled one after the other are never further apart than their sum.
        """
        return self.watermark_delay_seconds or self._least_watermark_seconds

    @property
    def watermark_step_seconds(self) -> int:
        """In what steps the watermark moves: whatever lies between two of them closes no window."""
        return gcd(self.interval_seconds, self.watermark_seconds)

    def watermark_ms(self, newest_ms: int) -> int:
        """Tell where the watermark stands once the newest event has been read, both epoch ms."""
        step_ms = self.watermark_step_seconds * 1_000
        return newest_ms // step_ms * step_ms - self.watermark_seconds * 1_000

    @property
    def _least_watermark_seconds(self) -> int:
        return self.allowed_lateness_seconds + CLOCK_SKEW_SECONDS

    @model_validator(mode="after")
    def _longer_intervals_are_multiples(self) -> "JobSettings":
        names = self.intervals or []
        for name in names:
            if not self._divides(name):
                raise ValueError(f"intervals: {name} is no multiple of base_interval {self.base_interval}")
        if len({interval_seconds(name) for name in names}) < len(names):
            raise ValueError(f"intervals: {', '.join(names)} name a length twice")
        return self

    @model_validator(mode="after")
    def _alerts_are_about_intervals_that_there_are(self) -> "JobSettings":
        for rule in self.alerts.rules:
            if rule.interval is not None and rule.interval not in self.all_intervals:
                known = ", ".join(self.all_intervals)
                raise ValueError(f"alerts.rules: {rule.name} is about {rule.interval} bars, but there are {known}")
        return self

    @model_validator(mode="after")
    def _watermark_covers_what_is_accepted(self) -> "JobSettings":
        least = self._least_watermark_seconds
        if self.watermark_delay_seconds is not None and self.watermark_delay_seconds < least:
            raise ValueError(
                f"watermark_delay_seconds is {self.watermark_delay_seconds}, but accepted ticks may be {least} s apart "
                f"(allowed_lateness_seconds {self.allowed_lateness_seconds} + {CLOCK_SKEW_SECONDS} of clock skew); "
                f"set it to {least} or more, or leave it out"
            )
        return self
