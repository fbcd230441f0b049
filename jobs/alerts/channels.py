"""Channels: where alerts go. Each takes one event at a time, and says in a word why it did not."""

import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import boto3
import requests
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from jobs.alerts.event import Event
from pricestream.alert_settings import AlertSettings
from pricestream.aws_error import words_of
from pricestream.errors import SettingsError
from pricestream.settings import Settings

log = logging.getLogger(__name__)

_TIMEOUT_SECONDS: Final = 10
#: The receiver understood, and will not take this one event however often it is sent.
_REFUSALS: Final = frozenset({400, 413, 422})
#: SNS takes no longer one.
_SUBJECT_CHARACTERS: Final = 99


class NotTakenError(Exception):
    """An event could not be handed over for now; the text says why, and holds no address."""


class Channel(Protocol):
    """A place that alerts go to."""

    @property
    def name(self) -> str:
        """As it stands in the log and in the mark of how far it was told."""

    def send(self, event: Event) -> None:
        """Hand an event over.

        Raises:
            NotTakenError: it is worth another try.
        """


@dataclass(frozen=True)
class LogChannel:
    """A line in the job's log."""

    name: str = "log"

    def send(self, event: Event) -> None:
        """See :class:`Channel`."""
        log.warning("alert %s: %s", event.id, event.text)


@dataclass(frozen=True)
class WebhookChannel:
    """A POST of the event as JSON; the header Idempotency-Key has its id."""

    url: str
    post: Callable[..., requests.Response] = requests.post
    name: str = "webhook"

    def send(self, event: Event) -> None:
        """See :class:`Channel`."""
        try:
            answer = self.post(
                self.url,
                json=event.document(),
                headers={"Idempotency-Key": event.id},
                timeout=_TIMEOUT_SECONDS,
                # The event is for whom the settings name, and for nobody else.
                allow_redirects=False,
                stream=True,
            )
            status = answer.status_code
            answer.close()
        except requests.RequestException as error:
            # Its text has the address, and the address often has a key.
            raise NotTakenError(type(error).__name__) from None
        if status in _REFUSALS:
            log.error("the webhook refuses alert %s (HTTP %d), which is passed over: %s", event.id, status, event.text)
        elif not 200 <= status < 300:
            raise NotTakenError(f"HTTP {status}")


@dataclass(frozen=True)
class SnsChannel:
    """A message of an SNS topic: the event as JSON, the text as the subject."""

    #: boto3's.
    client: Any
    topic: str
    name: str = "sns"

    def send(self, event: Event) -> None:
        """See :class:`Channel`."""
        only_once = {"MessageDeduplicationId": event.id, "MessageGroupId": event.rule}
        try:
            self.client.publish(
                TopicArn=self.topic,
                Subject=event.text[:_SUBJECT_CHARACTERS],
                Message=json.dumps(event.document()),
                MessageAttributes={"rule": {"DataType": "String", "StringValue": event.rule}},
                **(only_once if self.topic.endswith(".fifo") else {}),
            )
        except (ClientError, BotoCoreError) as error:
            raise NotTakenError(words_of(error)) from None


def open_channels(settings: Settings) -> list[Channel]:
    """Make the channels that the settings name.

    Raises:
        SettingsError: the environment has no address of the webhook, or not one of HTTP.
    """
    alerts = settings.job.alerts
    channels: list[Channel] = [LogChannel()] if alerts.log else []
    if url := webhook_url(alerts):
        channels.append(WebhookChannel(url))
    if alerts.sns_topic:
        quick = Config(connect_timeout=5, read_timeout=_TIMEOUT_SECONDS, retries={"total_max_attempts": 2})
        region = alerts.sns_topic.split(":")[3]
        channels.append(SnsChannel(boto3.client("sns", region_name=region, config=quick), alerts.sns_topic))
    return channels


def webhook_url(alerts: AlertSettings) -> str | None:
    """Find the address of the webhook; None where the settings name none.

    Raises:
        SettingsError: the environment has none, or not one of HTTP.
    """
    name = alerts.webhook_env
    if name is None:
        return None
    url = os.environ.get(name, "")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise SettingsError(
            f"job.alerts.webhook_env names {name}, which holds no address; export {name}=https://… or leave it out"
        )
    return url
