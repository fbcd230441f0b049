"""Alerts reach a log, a webhook and a topic, or say in a word why not; and never with the address."""

import json
import logging
from collections.abc import Iterator

import boto3
import pytest
from botocore.stub import Stubber

from jobs.alerts.channels import LogChannel, NotTakenError, SnsChannel, WebhookChannel, open_channels
from jobs.alerts.event import Event
from pricestream.config import load_settings
from pricestream.errors import SettingsError
from tests.conftest import ROOT
from tests.support.receiver import Receiver, run_receiver

EVENT = Event("high", "above", "bitcoin/usd", "1m", 0, 60, "high: bitcoin/usd closed at 70123.5", 70_123.5)
TOPIC = "arn:aws:sns:us-east-1:123456789012:prices"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with run_receiver() as told:
        yield told


def test_the_log_has_the_id_and_the_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        LogChannel().send(EVENT)
    assert caplog.messages == [f"alert {EVENT.id}: {EVENT.text}"]


def test_a_webhook_gets_the_event_and_its_id(receiver: Receiver) -> None:
    WebhookChannel(receiver.url).send(EVENT)
    [(headers, body)] = receiver.received
    assert body == EVENT.document()
    assert headers["Idempotency-Key"] == EVENT.id
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [401, 404, 408, 429, 500, 503])
def test_what_may_pass_is_worth_another_try(receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(NotTakenError, match=f"^HTTP {status}$"):
        WebhookChannel(receiver.url).send(EVENT)


def test_an_event_that_is_refused_holds_up_no_other(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    receiver.status = 422
    WebhookChannel(receiver.url).send(EVENT)
    assert "refuses alert" in caplog.text
    assert EVENT.id in caplog.text
    assert "s3cr3t" not in caplog.text


def test_the_event_goes_to_nobody_else(receiver: Receiver) -> None:
    receiver.status, receiver.location = 307, receiver.url
    with pytest.raises(NotTakenError, match="HTTP 307"):
        WebhookChannel(receiver.url).send(EVENT)
    assert len(receiver.received) == 1


def test_a_webhook_that_is_gone_is_told_without_its_address() -> None:
    with pytest.raises(NotTakenError) as gone:
        WebhookChannel("http://127.0.0.1:9/hook?key=s3cr3t").send(EVENT)
    assert str(gone.value) == "ConnectionError"
    assert gone.value.__suppress_context__


def test_a_topic_gets_the_event(moto_url: str) -> None:
    client = boto3.client("sns", region_name="us-east-1", endpoint_url=moto_url)
    queues = boto3.client("sqs", region_name="us-east-1", endpoint_url=moto_url)
    topic = client.create_topic(Name="prices")["TopicArn"]
    queue = queues.create_queue(QueueName="prices")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    SnsChannel(client, topic).send(EVENT)
    [message] = queues.receive_message(QueueUrl=queue)["Messages"]
    notice = json.loads(message["Body"])
    assert json.loads(notice["Message"]) == EVENT.document()
    assert notice["Subject"] == EVENT.text
    assert notice["MessageAttributes"] == {"rule": {"Type": "String", "Value": "high"}}


def test_a_fifo_topic_sees_the_same_event_once() -> None:
    client = boto3.client("sns", region_name="us-east-1")
    with Stubber(client) as stub:
        stub.add_response(
            "publish",
            {"MessageId": "1"},
            {
                "TopicArn": f"{TOPIC}.fifo",
                "Subject": EVENT.text,
                "Message": json.dumps(EVENT.document()),
                "MessageAttributes": {"rule": {"DataType": "String", "StringValue": "high"}},
                "MessageDeduplicationId": EVENT.id,
                "MessageGroupId": "high",
            },
        )
        SnsChannel(client, f"{TOPIC}.fifo").send(EVENT)
        stub.assert_no_pending_responses()


def test_a_topic_that_denies_is_worth_another_try() -> None:
    client = boto3.client("sns", region_name="us-east-1")
    with Stubber(client) as stub:
        stub.add_client_error("publish", "AuthorizationError", "not authorized to perform: SNS:Publish", 403)
        with pytest.raises(NotTakenError, match="not authorized"):
            SnsChannel(client, TOPIC).send(EVENT)


def test_the_channels_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    sets = ["job.alerts.webhook_env=HOOK", f"job.alerts.sns_topic={TOPIC.replace('us-east-1', 'eu-west-1')}"]
    settings = load_settings(ROOT / "conf" / "local.yaml", sets)
    monkeypatch.setenv("HOOK", "https://hooks.example.com/s3cr3t")
    opened = open_channels(settings)
    assert [each.name for each in opened] == ["log", "webhook", "sns"]
    assert isinstance(opened[2], SnsChannel)
    assert opened[2].client.meta.region_name == "eu-west-1"
    assert [each.name for each in open_channels(load_settings(ROOT / "conf" / "local.yaml"))] == ["log"]


@pytest.mark.parametrize("address", ["", "s3cr3t", "file:///etc/passwd", "https://"])
def test_an_address_that_is_none_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HOOK", address)
    settings = load_settings(ROOT / "conf" / "local.yaml", ["job.alerts.webhook_env=HOOK"])
    with pytest.raises(SettingsError, match="HOOK, which holds no address") as refused:
        open_channels(settings)
    assert "s3cr3t" not in str(refused.value)
    assert "passwd" not in str(refused.value)
