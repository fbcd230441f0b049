"""The settings of the metrics; see :mod:`pricestream.metric` for what there is."""

from typing import Literal

from pydantic import Field, model_validator

from pricestream.section import Section


class MetricsSettings(Section):
    """Where the job and the producer say how they are. By default nowhere."""

    #: CloudWatch's embedded metric format: ``stdout`` is a line of JSON on standard output, where the log driver of a
    #: container takes it up; ``logs`` puts events into ``log_group``.
    emf: Literal["stdout", "logs"] | None = None
    #: The log group of CloudWatch Logs, in the stream's region. It must be there; its streams are made.
    log_group: str | None = Field(default=None, pattern=r"^[a-zA-Z0-9_./#-]{1,512}$")
    #: Prometheus' text at http://127.0.0.1:<port>/metrics: this port is the job's, the next one the producer's.
    prometheus_port: int | None = Field(default=None, ge=1, le=65_534)
    #: How often they are written. The alarms count in minutes: no more than 60 there.
    every_seconds: float = Field(default=30, ge=1, le=300)

    @model_validator(mode="after")
    def _has_a_place_for_events(self) -> "MetricsSettings":
        if self.emf == "logs" and not self.log_group:
            raise ValueError("emf logs needs a log_group")
        return self

    @property
    def is_on(self) -> bool:
        """Whether anything is to be written."""
        return self.emf is not None or self.prometheus_port is not None
