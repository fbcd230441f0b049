"""The settings of both sides: one YAML file per environment, typed and checked at the start.

Secrets are never settings: the CoinGecko key comes from the environment variable that
``producer.coingecko.api_key_env`` names, AWS credentials from boto3's usual chain.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from pricestream.interval import interval_seconds
from pricestream.tick import CLOCK_SKEW_SECONDS, is_valid_id

_DAY_SECONDS = 86_400


def _check_id(text: str) -> str:
    if not is_valid_id(text):
        raise ValueError("must be lower case letters, digits, '.', '_' or '-', such as bitcoin")
    return text


def _check_interval(name: str) -> str:
    if _DAY_SECONDS % interval_seconds(name):
        raise ValueError("must divide a day evenly, such as 1m, 5m, 1h or 1d")
    return name


Id = Annotated[str, AfterValidator(_check_id)]
Interval = Annotated[str, AfterValidator(_check_interval)]


class Section(BaseModel):
    """A part of the settings file: unknown keys are refused, values are fixed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StreamSettings(Section):
    """The Kinesis stream that joins the two sides."""

    name: str = Field(default="pricestream", pattern=r"^[a-zA-Z0-9_.-]{1,128}$")
    region: str = "us-east-1"
    #: Only for a stand-in; on AWS the region gives it.
    endpoint_url: str | None = None
    #: How many shards the producer asks for when it is told to create the stream.
    shards: int = Field(default=1, ge=1, le=500)


class CoinGeckoSettings(Section):
    """The real API. ``keyless`` and ``demo`` share a host, ``pro`` has its own."""

    plan: Literal["keyless", "demo", "pro"] = "keyless"
    #: Only for a stand-in; the plan gives it.
    base_url: str | None = None
    api_key_env: str = "COINGECKO_API_KEY"
    timeout_seconds: float = Field(default=20, gt=0)
    max_attempts: int = Field(default=6, ge=1)
    ids_per_call: int = Field(default=250, ge=1, le=515)
    calls_per_minute: int = Field(default=5, ge=1)
    #: None counts the calls without a limit.
    calls_per_month: int | None = Field(default=10_000, ge=1)
    #: How often the source renews its prices.
    refresh_seconds: int = Field(default=60, ge=0)


class SimulatedSettings(Section):
    """A made-up market, the same for the same seed, on a clock of its own."""

    seed: int = 7
    start: str = "2026-01-05T09:00:00Z"
    #: None never ends.
    hours: float | None = Field(default=3, gt=0)
    #: Virtual seconds in one real second; 0 is as fast as it goes.
    speed: float = Field(default=0, ge=0)
    refresh_seconds: int = Field(default=10, ge=1)


class ReplaySettings(Section):
    """Recorded trades or prices, on the clock of their own times."""

    path: str | None = None
    #: Virtual seconds in one real second; 0 is as fast as it goes.
    speed: float = Field(default=0, ge=0)
    #: What the file prices, where it has no ``coin_id`` column.
    coin_id: Id = "replay"


class SpoolSettings(Section):
    """What could not be sent yet, on disk."""

    max_megabytes: float = Field(default=256, gt=0)


class ProducerSettings(Section):
    """Who polls, what, how often, and where it keeps its state."""

    id: str = Field(default="producer-1", min_length=1, max_length=128)
    source: Literal["coingecko", "simulated", "replay"] = "coingecko"
    coins: list[Id] = Field(default=["bitcoin", "ethereum"], min_length=1)
    vs_currencies: list[Id] = Field(default=["usd"], min_length=1)
    poll_seconds: float = Field(default=90, gt=0)
    #: Where the spool, the counters and the call budget live; one folder per producer.
    state_dir: str = ".local/producer"
    send_unchanged: bool = False
    create_stream: bool = False
    coingecko: CoinGeckoSettings = CoinGeckoSettings()
    simulated: SimulatedSettings = SimulatedSettings()
    replay: ReplaySettings = ReplaySettings()
    spool: SpoolSettings = SpoolSettings()

    @property
    def refresh_seconds(self) -> int:
        """How often the chosen source renews its prices; 0 for a replay, whose every event is fresh."""
        refresh = {
            "coingecko": self.coingecko.refresh_seconds,
            "simulated": self.simulated.refresh_seconds,
            "replay": 0,
        }
        return refresh[self.source]


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
    """Only for a stand-in; on AWS nothing here is needed."""

    endpoint_url: str | None = None
    path_style: bool = False


class SparkSettings(Section):
    """What the session is made with."""

    #: None leaves it to spark-submit.
    master: str | None = None
    app_name: str = "pricestream"
    #: Frozen into a checkpoint at its first batch.
    shuffle_partitions: int = Field(default=2, ge=1)
    #: Any further Spark setting.
    conf: dict[str, str] = {}

    @field_validator("conf")
    @classmethod
    def _leaves_alone_what_numbers_hang_on(cls, conf: dict[str, str]) -> dict[str, str]:
        for key in ("spark.sql.session.timeZone", "spark.speculation"):
            if key in conf:
                raise ValueError(f"{key} must stay as the job sets it; leave it out")
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
    trigger_seconds: float = Field(default=10, ge=0, le=3_600, allow_inf_nan=False)
    base_interval: Interval = "1m"
    allowed_lateness_seconds: int = Field(default=300, ge=1)
    #: How far the watermark trails the newest event; None is the least that drops no accepted tick.
    watermark_delay_seconds: int | None = None

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
    def _least_watermark_seconds(self) -> int:
        return self.allowed_lateness_seconds + CLOCK_SKEW_SECONDS

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


class Settings(Section):
    """One environment."""

    stream: StreamSettings = StreamSettings()
    producer: ProducerSettings = ProducerSettings()
    job: JobSettings = JobSettings()

    @model_validator(mode="after")
    def _lateness_covers_a_poll(self) -> "Settings":
        producer, lateness = self.producer, self.job.allowed_lateness_seconds
        spacing = producer.poll_seconds + producer.refresh_seconds
        if lateness <= spacing:
            raise ValueError(
                f"job.allowed_lateness_seconds is {lateness}, but a price may be {spacing:g} s old when it is "
                f"polled (producer.poll_seconds {producer.poll_seconds:g} + the source's refresh "
                f"{producer.refresh_seconds}); set it above {spacing:g}"
            )
        return self
