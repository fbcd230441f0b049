"""The settings of both sides: one YAML file per environment, typed and checked at the start.

Secrets are never settings: the CoinGecko key comes from the environment variable that
``producer.coingecko.api_key_env`` names, AWS credentials from boto3's usual chain.
"""

from typing import Any

from pydantic import Field, model_validator

from pricestream.job_settings import JobSettings
from pricestream.metrics_settings import MetricsSettings
from pricestream.producer_settings import ProducerSettings
from pricestream.secret import has_user, texts_of
from pricestream.section import Section


class StreamSettings(Section):
    """The Kinesis stream that joins the two sides."""

    name: str = Field(default="pricestream", pattern=r"^[a-zA-Z0-9_.-]{1,128}$")
    region: str = "us-east-1"
    #: Only for a stand-in; on AWS the region gives it.
    endpoint_url: str | None = None
    #: How many shards the producer asks for when it is told to create the stream.
    shards: int = Field(default=1, ge=1, le=500)


class Settings(Section):
    """One environment."""

    stream: StreamSettings = StreamSettings()
    producer: ProducerSettings = ProducerSettings()
    job: JobSettings = JobSettings()
    metrics: MetricsSettings = MetricsSettings()

    @model_validator(mode="before")
    @classmethod
    def _addresses_hold_no_secret(cls, tree: Any) -> Any:
        for where, text in texts_of(tree):
            if has_user(text):
                raise ValueError(f"{where}: has a user or a key before the host; secrets are no settings, leave it out")
        return tree

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
